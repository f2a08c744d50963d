import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeAll } from "./remove-all.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-remove-all-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("everything below a directory goes, whatever it is called, and what links lead to stays", async () => {
  const outside = join(directory, "outside");
  const inside = join(directory, "inside");
  await mkdir(join(inside, "deep", "er"), { recursive: true });
  await mkdir(outside);
  await writeFile(join(outside, "file"), "stays");
  await symlink(outside, join(inside, "link"));
  await writeFile(Buffer.concat([Buffer.from(`${inside}/caf`), Buffer.of(0xe9)]), "not UTF-8");
  await writeFile(join(inside, "deep", "é"), "UTF-8");
  await removeAll(inside);
  expect(await readdir(directory)).toEqual(["outside"]);
  expect(await readdir(outside)).toEqual(["file"]);
});

test("what is closed is opened first", async () => {
  const inside = join(directory, "inside");
  await mkdir(join(inside, "closed"), { recursive: true });
  await writeFile(join(inside, "closed", "file"), "x");
  await chmod(join(inside, "closed"), 0o000);
  await removeAll(inside);
  expect(await readdir(directory)).toEqual([]);
});

test("what is gone already is no failure", async () => {
  await expect(removeAll(join(directory, "never", "was"))).resolves.toBeUndefined();
});
