import { z } from "zod";
import type { FileChange } from "#shared/ports/code-host.ts";

const storedChange = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("delete"), path: z.string().min(1) }),
  z.object({
    kind: z.literal("write"),
    path: z.string().min(1),
    mode: z.enum(["100644", "100755", "120000"]),
    encoding: z.enum(["utf8", "base64"]),
    content: z.string(),
  }),
]);

const storedChanges = z.object({ version: z.literal(1), changes: z.array(storedChange) });

/** The changed files as a JSON blob. Contents that are UTF-8 stay readable; the others are base64. */
export function encodeChanges(changes: readonly FileChange[]): Uint8Array {
  const stored = changes.map((change) =>
    change.kind === "delete"
      ? change
      : { kind: change.kind, path: change.path, mode: change.mode, ...encodeContent(change.content) },
  );
  return new TextEncoder().encode(JSON.stringify({ version: 1, changes: stored }));
}

/** @throws z.ZodError or SyntaxError when the bytes were not made by {@link encodeChanges}. */
export function decodeChanges(bytes: Uint8Array): FileChange[] {
  const { changes } = storedChanges.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  return changes.map((change) =>
    change.kind === "delete"
      ? change
      : {
          kind: change.kind,
          path: change.path,
          mode: change.mode,
          content: new Uint8Array(Buffer.from(change.content, change.encoding)),
        },
  );
}

/**
 * Whether a path of a result is in git's quoted form, because it is not UTF-8 (or begins with a quote). GitHub's API
 * takes paths as JSON text, so only git itself can publish a file that is named so.
 */
export function isQuotedPath(path: string): boolean {
  return path.startsWith('"');
}

function encodeContent(content: Uint8Array): { encoding: "utf8" | "base64"; content: string } {
  try {
    // ignoreBOM keeps a byte order mark, which is part of the file.
    return { encoding: "utf8", content: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content) };
  } catch {
    return { encoding: "base64", content: Buffer.from(content).toString("base64") };
  }
}
