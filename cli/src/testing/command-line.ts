import { run } from "../run.ts";
import type { ApiWorld } from "./api-world.ts";
import { createTestIo } from "./test-io.ts";

/** A small spec that is valid. */
export function aSpec(name: string): string {
  return `version: 1
name: ${name}
description: Says hello.
on:
  - org: acme
steps:
  - run: echo hello > hello
    image: alpine
pullRequest:
  title: Hello
  body: Hello
  commit:
    message: Hello
`;
}

export const aPatch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n";

type IoOptions = Parameters<typeof createTestIo>[0];

/** What a command line printed, and what it ended with. */
interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly slept: readonly number[];
}

/** Runs a command line, whose words are separated by single spaces, against this API. */
export async function runAgainst(world: ApiWorld, commandLine: string, options: IoOptions = {}): Promise<Ended> {
  const io = createTestIo({ env: world.env, fetch: world.fetch, ...options });
  const code = await run(commandLine.split(" "), io);
  return { code, out: io.printed.out(), err: io.printed.err(), slept: io.slept };
}

/** Makes a campaign whose preview has ended, with a repository or two of each kind. */
export async function makePreviewed(world: ApiWorld, name: string): Promise<void> {
  await runAgainst(world, "apply -", { stdin: aSpec(name) });
  await runAgainst(world, `preview ${name} --no-wait`);
  await world.finish(name, [
    { name: "changed", patch: aPatch, log: "hello\n\u001b[31mred\u001b[0m" },
    { name: "also-changed", patch: aPatch },
    { name: "same", log: "" },
    { name: "broken", failed: "step 1 ended with exit code 1" },
    { name: "old", excluded: "it is archived" },
  ]);
}
