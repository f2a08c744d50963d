import { expect, test } from "vitest";
import { changedFileLimits, changedFilesOf } from "./changed-file.ts";
import type { FileStatistics } from "./transform-result.ts";

function modified(path: string, additions: number, deletions = 0): FileStatistics {
  return { path, change: "modified", mode: "100644", oldMode: "100644", additions, deletions, binary: false };
}

/** A patch that adds these lines to each of the files. */
function adding(...files: readonly (readonly string[])[]): Uint8Array {
  const sections = files.map((lines) => {
    const hunk =
      lines.length === 0 ? "" : `@@ -0,0 +1,${lines.length} @@\n${lines.map((line) => `+${line}\n`).join("")}`;
    return `diff --git a/x b/x\n${hunk}`;
  });
  return Buffer.from(sections.join(""));
}

const roomy = { charactersPerFile: 1000, charactersPerExecution: 1000, filesPerExecution: 10 };

test("each file gets the lines of its section", () => {
  const files = [modified("a", 2), modified("b", 0), modified("c", 1)];
  expect(changedFilesOf(adding(["1", "2"], [], ["3"]), files)).toEqual([
    { ...files[0], added: ["1", "2"], removed: [], truncated: false },
    { ...files[1], added: [], removed: [], truncated: false },
    { ...files[2], added: ["3"], removed: [], truncated: false },
  ]);
});

test("a file that becomes a symlink has the lines of both of its sections", () => {
  const link: FileStatistics = { ...modified("link", 1, 1), change: "type-changed", mode: "120000" };
  const patch = Buffer.from(`diff --git a/link b/link
deleted file mode 100644
--- a/link
+++ /dev/null
@@ -1 +0,0 @@
-content
diff --git a/link b/link
new file mode 120000
--- /dev/null
+++ b/link
@@ -0,0 +1 @@
+target
\\ No newline at end of file
diff --git a/z b/z
@@ -0,0 +1 @@
+z
`);
  expect(changedFilesOf(patch, [link, modified("z", 1)])).toMatchObject([
    { added: ["target"], removed: ["content"], truncated: false },
    { added: ["z"] },
  ]);
});

test("the largest files lose their lines first when an execution has too many", () => {
  const files = [modified("lock", 1), modified("small", 1), modified("mode", 0)];
  const changed = changedFilesOf(adding(["x".repeat(90)], ["y".repeat(20)], []), files, {
    ...roomy,
    charactersPerExecution: 100,
  });
  expect(changed).toMatchObject([
    { path: "lock", added: [], truncated: true },
    { path: "small", added: ["y".repeat(20)], truncated: false },
    { path: "mode", truncated: false },
  ]);
});

test("a file with more lines than are kept has the first of them, and says so", () => {
  const [file] = changedFilesOf(adding(["1234", "5678"]), [modified("a", 2)], { ...roomy, charactersPerFile: 7 });
  expect(file).toMatchObject({ added: ["1234", "56"], truncated: true });
});

test("files beyond the limit are left out", () => {
  const files = [modified("a", 1), modified("b", 1)];
  expect(changedFilesOf(adding(["1"], ["2"]), files, { ...roomy, filesPerExecution: 1 })).toHaveLength(1);
});

test("no lines are kept where the patch does not fit the statistics", () => {
  const counted = changedFilesOf(adding(["1"], ["2"]), [modified("a", 1), modified("b", 2)]);
  expect(counted.map(({ truncated }) => truncated)).toEqual([false, true]);
  const shifted = changedFilesOf(adding(["1"], ["2"]), [modified("a", 1)]);
  expect(shifted).toMatchObject([{ added: [], truncated: true }]);
});

test("a large patch is read without its lines piling up", () => {
  const lines = Array.from({ length: 200_000 }, (_, index) => `line ${index}`);
  const [file] = changedFilesOf(adding(lines), [modified("generated", lines.length)]);
  expect(file?.truncated).toBe(true);
  const characters = file?.added.reduce((sum, line) => sum + line.length + 1, 0);
  expect(characters).toBeLessThanOrEqual(changedFileLimits.charactersPerFile + 1);
});
