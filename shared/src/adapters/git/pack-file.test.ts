import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createPackFile } from "./pack-file.ts";

let directory: string;
let packs: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-pack-"));
  packs = join(directory, "objects", "pack");
  await mkdir(packs, { recursive: true });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("a pack is on the disk as a whole before it gets the name that git looks for", async () => {
  const whole = Buffer.from(`PACK${"x".repeat(20)}`);
  const synced: unknown[] = [];
  const pack = createPackFile(directory, 1 << 20, async () => {
    const names = await readdir(packs);
    synced.push([names, await readFile(join(packs, names[0] ?? ""))]);
  });
  await pack.add(whole);
  const path = await pack.finish();
  expect(synced).toEqual([[["arriving"], whole]]);
  expect(await readdir(packs)).toEqual([`pack-${"78".repeat(20)}.pack`]);
  expect(await readFile(path)).toEqual(whole);
  pack.discard();
  expect(await readdir(packs)).toEqual([]);
});

test("nothing stays of a pack that does not get onto the disk", async () => {
  const pack = createPackFile(directory, 1 << 20, () => Promise.reject(new Error("EIO: i/o error")));
  await pack.add(Buffer.from("PACK"));
  await expect(pack.finish()).rejects.toThrow("EIO");
  pack.discard();
  expect(await readdir(packs)).toEqual([]);
});
