import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { instant } from "#shared/testing/builders.ts";
import { commitIdOf } from "./commit-id.ts";

const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
let directory: string;

function git(args: readonly string[], input = "", environment: Readonly<Record<string, string>> = {}): string {
  const env = { PATH: process.env["PATH"], GIT_CONFIG_NOSYSTEM: "1", HOME: directory, ...environment };
  return execFileSync("git", args, { cwd: directory, input, env }).toString().trim();
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "octobatch-commit-id-"));
  git(["init", "--quiet", "--bare"]);
  git(["mktree"], "");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test.each([
  ["a message of a line", "Move to Node 24"],
  ["a message that ends its last line", "Move to Node 24\n"],
  ["letters beyond ASCII", "Übergang zu Node 24 🚀\n\nMit Grüßen\n"],
])("a commit's id is the one that git gives it: %s", (_, message) => {
  const author = { name: "Ana Ötzi", email: "ana@example.com" };
  const at = instant("2026-03-01T08:00:00.900Z");
  const date = "2026-03-01T08:00:00+0000";
  const identity = Object.fromEntries(
    ["AUTHOR", "COMMITTER"].flatMap((role) => [
      [`GIT_${role}_NAME`, author.name],
      [`GIT_${role}_EMAIL`, author.email],
      [`GIT_${role}_DATE`, date],
    ]),
  );
  const parent = git(["commit-tree", emptyTree], "first\n", identity);
  const made = git(["commit-tree", emptyTree, "-p", parent], message, identity);
  expect(commitIdOf({ tree: emptyTree, parent, author, message, at })).toBe(made);
});
