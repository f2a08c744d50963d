import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readFileTree, type TreeLimits } from "./file-tree.ts";
import { comparedTree, readLaidOut, takeSnapshot, type LaidOut } from "./work-tree-snapshot.ts";

const mebibyte = 1 << 20;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-snapshot-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function laidOut(): Promise<LaidOut> {
  const tree = await readFileTree(directory, comparedTree);
  const found = tree && (await readLaidOut(directory, tree, mebibyte));
  if (found === undefined) throw new Error("The tree of this test is small.");
  return found;
}

test("names and targets of links count as much as they may take when they are written down", async () => {
  const before = await laidOut();
  for (let index = 0; index < 50; index += 1) symlinkSync("x".repeat(4000), join(directory, `link-${index}`));
  expect(await takeSnapshot(directory, before, 6 * 50 * 4000)).toBeUndefined();
  expect((await takeSnapshot(directory, before, 7 * 50 * 4000))?.entries).toHaveLength(50);
});

test("names of what was deleted count, too", async () => {
  for (let index = 0; index < 50; index += 1) writeFileSync(join(directory, `${index}-${"x".repeat(200)}`), "");
  const before = await laidOut();
  for (let index = 0; index < 50; index += 1) rmSync(join(directory, `${index}-${"x".repeat(200)}`));
  expect(await takeSnapshot(directory, before, 6 * 50 * 200)).toBeUndefined();
  expect((await takeSnapshot(directory, before, 7 * 50 * 200))?.deleted).toHaveLength(50);
});

test.each<[string, TreeLimits]>([
  ["entries", { entries: 10, pathBytes: mebibyte }],
  ["path names", { entries: 1000, pathBytes: 50 }],
])("a tree of too many %s is given up", async (_, limits) => {
  mkdirSync(join(directory, "deep"));
  for (let index = 0; index < 20; index += 1) writeFileSync(join(directory, "deep", `file-${index}`), "");
  expect(await readFileTree(directory, limits)).toBeUndefined();
  expect(await readFileTree(directory, limits, process.getuid?.())).toBeUndefined();
  expect((await readFileTree(directory, comparedTree))?.size).toBe(21);
});

test("a link that leads elsewhere now is a change, even where nothing else tells", async () => {
  symlinkSync("one", join(directory, "link"));
  const before = await laidOut();
  rmSync(join(directory, "link"));
  symlinkSync("two", join(directory, "link"));
  const now = await readFileTree(directory, comparedTree);
  // As on a file system that gives the inode again, at the same time.
  const alike = { ...before, tree: now ?? before.tree };
  expect((await takeSnapshot(directory, alike, mebibyte))?.entries).toMatchObject([{ path: "link", target: "two" }]);
});
