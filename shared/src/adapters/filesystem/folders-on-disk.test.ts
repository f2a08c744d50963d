import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFoldersOnDisk } from "./folders-on-disk.ts";

let root: string;
let synced: string[];
let failure: Error | undefined;
const onDisk = () =>
  createFoldersOnDisk(async (folder) => {
    synced.push(path.relative(root, folder));
    if (failure !== undefined) throw failure;
  });

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "octobatch-folders-"));
  synced = [];
  failure = undefined;
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function make(...segments: string[]): Promise<string[]> {
  await mkdir(path.join(root, ...segments), { recursive: true });
  return segments;
}

test("the names of folders are made sure of once, those in the last one each time", async () => {
  const folders = onDisk();
  await folders.sync(root, await make("a", "b"));
  expect(synced.splice(0)).toEqual(["", "a", "a/b"]);
  await folders.sync(root, ["a", "b"]);
  expect(synced.splice(0)).toEqual(["a/b"]);
  await folders.sync(root, await make("a", "c"));
  expect(synced.splice(0)).toEqual(["a", "a/c"]);
  await folders.sync(root, []);
  expect(synced).toEqual([""]);
});

test("folders that somebody else made are made sure of, too", async () => {
  await make("a", "b");
  await onDisk().sync(root, ["a", "b"]);
  expect(synced).toEqual(["", "a", "a/b"]);
});

test("a folder that was removed and made anew is made sure of again", async () => {
  const folders = onDisk();
  await folders.sync(root, await make("a", "b"));
  await rm(path.join(root, "a"), { recursive: true });
  await make("a", "b");
  synced = [];
  await folders.sync(root, ["a", "b"]);
  expect(synced).toEqual(["", "a", "a/b"]);
});

test("whoever comes while names are made sure of waits, too, and fails with it", async () => {
  const folders = onDisk();
  failure = new Error("the disk is gone");
  const both = [folders.sync(root, await make("a")), folders.sync(root, ["a"])];
  const settled = await Promise.allSettled(both);
  expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  failure = undefined;
  synced = [];
  await folders.sync(root, ["a"]);
  expect(synced).toEqual(["", "a"]);
});

test("folders that are gone have nothing to lose", async () => {
  await expect(createFoldersOnDisk().sync(root, ["never", "was"])).resolves.toBeUndefined();
});
