import { expect, test } from "vitest";
import { wholeRepository, workspaceAt, workspaceObjection } from "./workspace.ts";

test("the workspace at the root is the whole repository, whatever is fetched", () => {
  expect(workspaceAt("", true)).toEqual(wholeRepository);
  expect(workspaceAt("packages/a", true)).toEqual({ path: "packages/a", onlyFetch: true });
});

test.each(["", "packages/a", "a b", "日本", "-rf", "$(touch x)", "..a", ".github", "a.git", "x".repeat(512)])(
  "a directory at %j can be one",
  (path) => {
    expect(workspaceObjection(path)).toBeUndefined();
  },
);

test.each([
  ["x".repeat(513), "its path is longer than 512 characters"],
  ["a\nb", "its path has the character U+000A"],
  ["a\u202Eb", "its path has the character U+202E"],
  ["a\\b", "its path has a backslash"],
  ["caf\uFFFD", "its path is no UTF-8"],
  ["a/../b", "git does not lay out its path"],
  ["a/./b", "git does not lay out its path"],
  ["a//b", "git does not lay out its path"],
  ["a/.GIT/b", "git does not lay out its path"],
])("one at %j cannot, with the reason", (path, because) => {
  expect(workspaceObjection(path)).toBe(because);
});
