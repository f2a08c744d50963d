import { describe, expect, test } from "vitest";
import { patchLines } from "./patch-lines.ts";

/** What each section adds and removes. */
function linesOf(patch: string | Uint8Array, keptCharacters = 1000) {
  return patchLines(Buffer.from(patch), keptCharacters).map(({ added, removed }) => [added.lines, removed.lines]);
}

describe("the lines of a patch", () => {
  test("are told apart from its headers by the counts of each hunk", () => {
    const patch = `diff --git a/notes.md b/notes.md
index 1..2 100644
--- a/notes.md
+++ b/notes.md
@@ -1,3 +1,4 @@ heading
 same
--- a/looks like a header
+++ b/looks like a header
+diff --git a/x b/x
 @@ -1 +1 @@
@@ -9 +10 @@
-old
+new
diff --git a/second b/second
--- a/second
+++ b/second
@@ -1 +0,0 @@
-gone
`;
    expect(linesOf(patch)).toEqual([
      [
        ["++ b/looks like a header", "diff --git a/x b/x", "new"],
        ["-- a/looks like a header", "old"],
      ],
      [[], ["gone"]],
    ]);
  });

  test("are none in sections for modes, renames and binary files", () => {
    const patch = `diff --git a/run b/run
old mode 100644
new mode 100755
diff --git a/old b/new
similarity index 100%
rename from old
rename to new
diff --git a/image b/image
index 1..2 100644
GIT binary patch
literal 3
Kcma@@@@-+1 +1

literal 0
HcmV?d00001

diff --git "a/caf\\351" "b/caf\\351"
new file mode 100644
index 0..1
--- /dev/null
+++ "b/caf\\351"
@@ -0,0 +1 @@
+one
`;
    expect(linesOf(patch)).toEqual([
      [[], []],
      [[], []],
      [[], []],
      [["one"], []],
    ]);
  });

  test("have no mark for a missing line feed among them, and keep their carriage returns", () => {
    const patch = `diff --git a/a b/a
--- a/a
+++ b/a
@@ -1,2 +1,2 @@
 same
-old
\\ No newline at end of file
+new\r
\\ No newline at end of file
`;
    expect(linesOf(patch)).toEqual([[["new\r"], ["old"]]]);
  });

  test("are text that a database takes, whatever the bytes", () => {
    const patch = Buffer.concat([
      Buffer.from("diff --git a/a b/a\n@@ -0,0 +1,2 @@\n+"),
      Buffer.from([0x61, 0x00, 0xff, 0x62, 0x0a]),
      Buffer.from("+ünï 😀\n"),
    ]);
    expect(linesOf(patch)).toEqual([[["a\uFFFD\uFFFDb", "ünï 😀"], []]]);
  });

  test("are cut where they are too many, and say so", () => {
    const patch = "diff --git a/a b/a\n@@ -1 +1,3 @@\n-x\n+1234\n+56😀8\n+9\n";
    const [section] = patchLines(Buffer.from(patch), 8);
    expect(section?.added).toMatchObject({ lines: ["1234", "56"], count: 3, truncated: true });
    expect(section?.removed).toMatchObject({ lines: ["x"], count: 1, truncated: false });
  });

  test("that are exactly as many as may be kept are whole", () => {
    const [section] = patchLines(Buffer.from("diff --git a/a b/a\n@@ -0,0 +1 @@\n+1234\n"), 4);
    expect(section?.added).toMatchObject({ lines: ["1234"], truncated: false });
  });

  test("of an empty patch are none", () => {
    expect(linesOf("")).toEqual([]);
  });
});
