import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { reserveCredentialFile } from "./credential-file.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "octobatch-credentials-"));
  path = join(folder, "app.env");
  onTestFinished(() => rm(folder, { recursive: true }));
});

test("it is its owner's alone from the beginning, and keeps what was written", async () => {
  const file = await reserveCredentialFile(path);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await file.write("secret");
  await file.close();
  expect(await readFile(path, "utf8")).toBe("secret");
});

test("it is gone when nothing was written", async () => {
  await (await reserveCredentialFile(path)).close();
  expect(await readdir(folder)).toEqual([]);
});

test("a secret is kept even when people removed the file while it was empty", async () => {
  const file = await reserveCredentialFile(path);
  await rm(path);
  await file.write("secret");
  await file.close();
  expect([await readFile(path, "utf8"), (await stat(path)).mode & 0o777]).toEqual(["secret", 0o600]);
});

test("what others put in its place is neither written over nor removed", async () => {
  const file = await reserveCredentialFile(path);
  await rm(path);
  await writeFile(path, "theirs");
  await expect(file.write("secret")).rejects.toMatchObject({ code: "EEXIST" });
  await file.close();
  expect(await readFile(path, "utf8")).toBe("theirs");
});

test("a place where no file can be made is told with the remedy", async () => {
  await writeFile(path, "");
  await expect(reserveCredentialFile(path)).rejects.toMatchObject({ code: "file-exists" });
  await expect(reserveCredentialFile(join(path, "x"))).rejects.toThrow("its folder is a file");
  await expect(reserveCredentialFile(join(folder, "none", "x"))).rejects.toMatchObject({
    message: expect.stringContaining("its folder is not there"),
    remedy: expect.stringContaining("--out"),
  });
});
