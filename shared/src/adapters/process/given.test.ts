import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createManualClock, type ManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { lookAtMachine, type Given } from "./given.ts";
import type { HostView } from "./host-view.ts";

let directory: string;
let clock: ManualClock;
let look: () => Promise<Given>;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-given-"));
  clock = createManualClock(new Date(0));
  await mkdir(join(directory, "ssl"));
  await writeFile(join(directory, "ssl", "bundle"), "one");
  const directories = [{ source: join(directory, "ssl"), target: "/etc/ssl" }];
  const whole = { directories, links: [], tools: [], hidden: [], path: "/nowhere" };
  await mkdir(join(directory, "copies"));
  look = lookAtMachine({ isolation: "bubblewrap", whole, directory: join(directory, "copies"), clock });
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const copies = async (): Promise<readonly string[]> => readdir(join(directory, "copies"));

async function bundleOf(given: Given, id: number): Promise<string> {
  const view: HostView = await given.viewFor({ kind: "mapped", id });
  return readFile(join(view.directories[0]?.source ?? "", "ssl", "bundle"), "utf8");
}

test("a transform has the settings that it began with, for each user, and later ones have those of a minute later", async () => {
  const before = await look();
  expect(await bundleOf(before, 1)).toBe("one");
  await writeFile(join(directory, "ssl", "bundle"), "another");
  const meanwhile = await look();
  clock.advance(60_000);
  const after = await look();
  expect([await bundleOf(before, 2), await bundleOf(meanwhile, 1), await bundleOf(after, 1)]).toEqual([
    "one",
    "one",
    "another",
  ]);
  expect(meanwhile.programs).toBe(before.programs);
  expect(after.programs).not.toBe(before.programs);
});

test("one copy serves as long as nothing changes, and it goes when nobody has it any more", async () => {
  const first = await look();
  clock.advance(60_000);
  const second = await look();
  await Promise.all([bundleOf(first, 1), bundleOf(second, 1)]);
  expect(await copies()).toHaveLength(2);
  await writeFile(join(directory, "ssl", "bundle"), "another");
  clock.advance(60_000);
  const third = await look();
  first.release();
  expect(await copies()).toHaveLength(3);
  second.release();
  await vi.waitFor(async () => expect(await copies()).toHaveLength(1));
  third.release();
  expect(await bundleOf(await look(), 1)).toBe("another");
});

test("settings that cannot be copied are looked at again by the next one", async () => {
  await rm(join(directory, "ssl"), { recursive: true });
  await expect(look()).rejects.toThrow(/ENOENT/);
  expect(await copies()).toEqual([]);
  await mkdir(join(directory, "ssl"));
  await writeFile(join(directory, "ssl", "bundle"), "again");
  expect(await bundleOf(await look(), 1)).toBe("again");
});
