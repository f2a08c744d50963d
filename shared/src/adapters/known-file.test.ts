import { spawnSync } from "node:child_process";
import { appendFile, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTurns, FileChanged, readKnownFile } from "./known-file.ts";

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-known-file-"));
  file = join(directory, "file");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test.each([0, 1, 70_000, 3_000_000])("a file of %i bytes is read as it is", async (sizeBytes) => {
  const bytes = Buffer.alloc(sizeBytes, "abc");
  await writeFile(file, bytes);
  expect(bytes.equals(await readKnownFile(file, sizeBytes))).toBe(true);
});

test.each([10, 3_000_000])("a file of %i bytes that has grown or shrunk since is refused", async (sizeBytes) => {
  await writeFile(file, Buffer.alloc(sizeBytes));
  await expect(readKnownFile(file, sizeBytes + 1)).rejects.toThrow(FileChanged);
  await appendFile(file, Buffer.alloc(sizeBytes));
  await expect(readKnownFile(file, sizeBytes)).rejects.toThrow(FileChanged);
});

test("what took the place of a file is neither followed nor waited for", async () => {
  await writeFile(join(directory, "secret"), "secret");
  await symlink("secret", file);
  await expect(readKnownFile(file, 6)).rejects.toThrow("ELOOP");
  const fifo = join(directory, "fifo");
  expect(spawnSync("/bin/sh", ["-c", 'mkfifo "$1"', "sh", fifo]).status).toBe(0);
  await expect(readKnownFile(fifo, 6)).rejects.toThrow(FileChanged);
  await expect(readKnownFile(directory, 6)).rejects.toThrow("EISDIR");
});

test("much synchronous work lets others have their turn in between", async () => {
  const turn = createTurns();
  let others = 0;
  setImmediate(() => (others += 1));
  for (let call = 0; call < 10; call += 1) await turn();
  expect(others).toBe(0);
  await turn(64 << 20);
  expect(others).toBe(1);
  setImmediate(() => (others += 1));
  for (let call = 0; call < 10_000; call += 1) await turn();
  expect(others).toBe(2);
});
