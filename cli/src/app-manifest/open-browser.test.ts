import { chmod, mkdtemp, readFile, rm, watch, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { openBrowser } from "./open-browser.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "octobatch-browser-"));
  onTestFinished(() => rm(folder, { recursive: true }));
});

test.each([
  ["linux", "xdg-open"],
  ["darwin", "open"],
] as const)("on %s, %s gets the address as it is", async (platform, command) => {
  await writeFile(
    join(folder, command),
    `#!/bin/sh\nprintf '%s' "$1" > "${folder}/part" && /bin/mv "${folder}/part" "${folder}/got"\n`,
  );
  await chmod(join(folder, command), 0o755);
  const got = happened(folder, "got");
  const address = "http://127.0.0.1:1/$(reboot)'\"; x";
  expect(await openBrowser(address, { env: { PATH: folder } }, platform)).toBe(true);
  await got;
  expect(await readFile(join(folder, "got"), "utf8")).toBe(address);
});

test("where there is nothing to ask, it says so", async () => {
  expect(await openBrowser("http://127.0.0.1:1/", { env: { PATH: folder } }, "linux")).toBe(false);
});

/** Returns when there is a file of this name in the folder. */
async function happened(place: string, name: string): Promise<void> {
  for await (const { filename } of watch(place)) if (filename === name) return;
}
