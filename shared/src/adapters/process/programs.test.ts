import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { nameOfPrograms } from "./programs.ts";

test("what a machine gives to steps has another name after a setting was added or replaced", async () => {
  const directory = await mkdtemp(join(tmpdir(), "octobatch-programs-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await writeFile(join(directory, "zone"), "UTC");
  const directories = [
    { source: join(directory, "zone"), target: "/etc/localtime" },
    { source: directory, target: "/etc/ssl" },
  ];
  const name = (): Promise<string> =>
    nameOfPrograms("bubblewrap", { directories, links: [], tools: [], hidden: [], path: "/nowhere" });
  const names = [await name(), await name()];
  await writeFile(join(directory, "zone"), "Europe/Berlin");
  names.push(await name());
  await writeFile(join(directory, "certificate"), "");
  names.push(await name());
  expect(names[0]).toBe(names[1]);
  expect(new Set(names).size).toBe(3);
});
