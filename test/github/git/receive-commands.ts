import type { RefChange } from "../actions/ref-rules.ts";

/** The ref updates at the head of what a push sends: pkt-lines `<old> <new> <ref>`, up to the flush packet. */
export function parseCommands(body: Buffer): readonly RefChange[] {
  const commands: RefChange[] = [];
  for (let at = 0; at + 4 <= body.length;) {
    const length = Number.parseInt(body.toString("latin1", at, at + 4), 16);
    if (Number.isNaN(length) || length < 4) break;
    const line =
      body
        .toString("utf8", at + 4, at + length)
        .split("\0")[0]
        ?.trimEnd() ?? "";
    const match = /^(?<before>[0-9a-f]{40}) (?<after>[0-9a-f]{40}) (?<name>.+)$/.exec(line);
    const { before, after, name } = match?.groups ?? {};
    if (before !== undefined && after !== undefined && name !== undefined) commands.push({ before, after, name });
    at += length;
  }
  return commands;
}
