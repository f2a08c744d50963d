import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeDirectory } from "./make-directory.ts";

test("a directory is made once", async () => {
  const directory = await mkdtemp(join(tmpdir(), "octobatch-directory-"));
  try {
    expect(makeDirectory(join(directory, "a"))).toBe(true);
    expect(makeDirectory(join(directory, "a"))).toBe(false);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("below a process that has ended it fails, and does not look for a parent for ever", () => {
  expect(() => makeDirectory("/proc/4194305/root/a")).toThrow(/ENOENT/);
});
