import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { nameOfSettings } from "./programs.ts";

test("settings have another name after one was added, replaced or removed, however deep it lies", async () => {
  const directory = await mkdtemp(join(tmpdir(), "octobatch-programs-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const zone = join(directory, "zone");
  const bundle = join(directory, "ssl", "certs", "java", "bundle.pem");
  await mkdir(join(bundle, ".."), { recursive: true });
  await writeFile(zone, "UTC");
  await writeFile(bundle, "one");
  const directories = [
    { source: zone, target: "/etc/localtime" },
    { source: join(directory, "ssl"), target: "/etc/ssl" },
    { source: directory, target: "/usr" },
  ];
  const name = (): Promise<string> =>
    nameOfSettings({ directories, links: [], tools: [], hidden: [], path: "/nowhere" });
  const names = [await name()];
  expect(await name()).toBe(names[0]);
  await writeFile(join(directory, "other"), "no setting");
  expect(await name()).toBe(names[0]);
  for (const change of [
    () => writeFile(zone, "Europe/Berlin"),
    () => writeFile(bundle, "another"),
    () => writeFile(join(bundle, "..", "added"), ""),
    () => rm(bundle),
  ]) {
    await change();
    names.push(await name());
  }
  expect(new Set(names).size).toBe(5);
});
