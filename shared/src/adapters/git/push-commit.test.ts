import { describe, expect, test } from "vitest";
import type { Command, CommandResult } from "./git-command.ts";
import { importStream } from "./import-stream.ts";
import { pushCommit, PushRefused } from "./push-commit.ts";

const token = "ghs_secret";
const commit = "a".repeat(40);
const ended: CommandResult = {
  exitCode: 0,
  stdout: Buffer.alloc(0),
  stderr: "",
  timedOut: false,
  outputExceeded: false,
};

/** Pushes with a git that ends as told; answers what it was asked to run, and what came of it. */
async function pushWith(
  result: Partial<CommandResult>,
  from?: string,
): Promise<{ asked: Command[]; failure: unknown }> {
  const asked: Command[] = [];
  const run = (command: Command): Promise<CommandResult> => {
    asked.push(command);
    return Promise.resolve({ ...ended, ...result });
  };
  const access = { url: "https://github.com/acme/app.git", token };
  const push = { access, commit, branch: "campaign/1", from, timeoutMs: 1000 };
  const failure: unknown = await pushCommit({ gitDirectory: "/git", run }, push).catch((error: unknown) => error);
  return { asked, failure };
}

describe("a push", () => {
  test("moves the branch from where it was left alone, or makes it, and has the token on no command line", async () => {
    const { asked } = await pushWith({}, "b".repeat(40));
    const [{ argv, environment } = { argv: [""], environment: {} }] = asked;
    expect(argv).toContain(`--force-with-lease=refs/heads/campaign/1:${"b".repeat(40)}`);
    expect(argv).toContain(`${commit}:refs/heads/campaign/1`);
    expect(argv.join(" ")).not.toMatch(/ghs_|Authorization|--force(?!-with-lease=)/);
    expect(environment).toMatchObject({ GIT_DIR: "/git", GIT_TERMINAL_PROMPT: "0" });
    expect((await pushWith({})).asked[0]?.argv).toContain("--force-with-lease=refs/heads/campaign/1:");
  });

  test.each([
    [
      "error: failed to push some refs to 'x'",
      "!\ta:b\t[rejected] (stale info)",
      undefined,
      /^\[rejected\] \(stale info\)$/,
    ],
    [
      "remote: error: GH006: Protected branch update failed for refs/heads/b.        \nremote: \nerror: failed to push some refs to 'x'",
      "To x\n!\ta:b\t[remote rejected] (protected branch hook declined)\nDone",
      undefined,
      /^error: GH006: Protected branch update failed for refs\/heads\/b\.; \[remote rejected\] \(protected branch hook declined\)$/,
    ],
    ["remote: Repository not found.\nfatal: repository 'x' not found", "", 404, /not found/],
    ["fatal: Authentication failed for 'x'", "", 401, /Authentication failed/],
    ["fatal: unable to access 'x': The requested URL returned error: 403", "", 403, /403/],
    ["fatal: unable to access 'x': Could not resolve host: github.com", "", 0, /resolve host/],
    [`fatal: bad header ${token}`, "", 0, /^fatal: bad header \*\*\*$/],
    ["", "", 0, /said nothing/],
  ])("that git ends with %j is told in its words", async (stderr, stdout, status, message) => {
    const { failure } = await pushWith({ exitCode: 1, stderr, stdout: Buffer.from(stdout) });
    expect(failure).toBeInstanceOf(PushRefused);
    expect(failure).toMatchObject({ status, message: expect.stringMatching(message) });
    expect(String(failure)).not.toContain(token);
  });

  test("that takes too long has no answer", async () => {
    const { failure } = await pushWith({ exitCode: undefined, timedOut: true });
    expect(failure).toMatchObject({ status: 0, message: "the push took longer than 1 s" });
  });
});

test("the commands for a commit delete first, and quote what would end a line", () => {
  const draft = {
    parent: commit,
    message: "One\n\ntwo",
    author: { name: "Ada", email: "ada@example.org" },
    at: new Date("2030-01-02T03:04:05.678Z"),
    changes: [
      { kind: "write", path: 'a\n"b"\\c', mode: "100755", content: Buffer.from("new\n") },
      { kind: "write", path: 'plain "x" \\y', mode: "120000", content: Buffer.from("") },
      { kind: "delete", path: String.raw`"caf\351"` },
    ],
  } as const;
  expect(Buffer.from(importStream(draft, "refs/heads/x")).toString()).toBe(`commit refs/heads/x
author Ada <ada@example.org> 1893553445 +0000
committer Ada <ada@example.org> 1893553445 +0000
data 8
One

two
from ${commit}
D "caf\\351"
M 100755 inline "a\\n\\"b\\"\\\\c"
data 4
new

M 120000 inline plain "x" \\y
data 0

`);
});
