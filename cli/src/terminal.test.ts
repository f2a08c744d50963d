import { expect, test } from "vitest";
import { createProgress } from "./progress.ts";
import { renderDiff } from "./render-diff.ts";
import { renderTable } from "./table.ts";
import { neutralise, oneLine, paintFor, plain, renderJson } from "./terminal.ts";
import { createTestIo } from "./testing/test-io.ts";
import { pad, textWidth, truncate } from "./text-width.ts";

test("text from elsewhere can neither move the cursor nor hide or reorder what is shown", () => {
  expect(neutralise("a\u001b[2Jb\rc\u0007\u007f")).toBe("a␛[2Jb␍c␇␡");
  expect(neutralise("\u009b31m \u202egnp.exe\u2066 \u200b")).toBe("\\u009b31m \\u202egnp.exe\\u2066 \\u200b");
  expect(neutralise("tabs\tand\nnewlines, ä, 漢, 🎉")).toBe("tabs\tand\nnewlines, ä, 漢, 🎉");
  expect(oneLine(" two\r\n  lines\t")).toBe("two lines");
});

test("JSON holds nothing that a terminal obeys, and means the same", () => {
  const document = { text: "\u001b[31m \u009b \u202e \u007f" };
  const json = renderJson(document);
  // oxlint-disable-next-line no-control-regex -- these are what must not be there
  expect(json).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/u);
  expect(JSON.parse(json)).toEqual(document);
});

test("colours are for terminals that want them", () => {
  const terminal = createTestIo({ terminal: true }).stdout;
  expect(paintFor(terminal, {})("red", "x")).toBe("\u001b[31mx\u001b[39m");
  expect(paintFor(terminal, { NO_COLOR: "1" })("red", "x")).toBe("x");
  expect(paintFor(terminal, { NO_COLOR: "" })("red", "x")).not.toBe("x");
  expect(paintFor(terminal, { TERM: "dumb" })("red", "x")).toBe("x");
  expect(paintFor(terminal, {}, false)("red", "x")).toBe("x");
  expect(paintFor(createTestIo().stdout, {})("red", "x")).toBe("x");
});

test("widths count cells, not code units", () => {
  expect(textWidth("漢字 é 🎉")).toBe(9);
  expect(truncate("漢字漢字", 5)).toBe("漢字…");
  expect(truncate("fits", 4)).toBe("fits");
  expect(truncate("anything", 0)).toBe("");
  expect(pad("漢", 4)).toBe("漢  ");
});

test("a table lines up its columns, and cuts the last one where the terminal ends", () => {
  const rows = [
    ["acme/a", "it is archived and nobody will ever unarchive it"],
    ["acme/longer-name", "no\nchange"],
  ];
  expect(renderTable(["REPOSITORY", "WHY"], rows, { paint: plain, width: 40 })).toBe(
    ["REPOSITORY        WHY", "acme/a            it is archived and no…", "acme/longer-name  no change", ""].join("\n"),
  );
  expect(renderTable(["REPOSITORY", "WHY"], rows, { paint: plain })).toContain("unarchive it\n");
});

test("progress is one line on a terminal that is taken away in the end", () => {
  const io = createTestIo({ terminal: true, columns: 10 });
  const progress = createProgress(io.stderr, { overwrite: true });
  progress.show("one of many");
  progress.show("one of many");
  progress.done();
  progress.done();
  expect(io.printed.err()).toBe("\r\u001b[2Kone of m…\r\u001b[2K");
});

test("progress elsewhere is a line for each change", () => {
  const io = createTestIo();
  const progress = createProgress(io.stderr, { overwrite: false });
  for (const line of ["one", "one", "two"]) progress.show(line);
  progress.done();
  expect(io.printed.err()).toBe("one\ntwo\n");
});

test("a diff colours a removed line that looks like a heading as removed, and disarms its text", () => {
  const patch = "diff --git a/q b/q\n--- a/q\n+++ b/q\n@@ -1 +1 @@\n--- comment\n+\u001b[2J\n";
  const lines = renderDiff(patch, (style, text) => `<${style}>${text}`).split("\n");
  expect(lines).toEqual([
    "<bold>diff --git a/q b/q",
    "<bold>--- a/q",
    "<bold>+++ b/q",
    "<cyan>@@ -1 +1 @@",
    "<red>--- comment",
    "<green>+␛[2J",
    "",
  ]);
});
