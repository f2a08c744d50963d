import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { gatherSettings } from "./gather-settings.ts";
import type { HostView } from "./host-view.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-settings-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const view: HostView = {
  directories: [
    { source: "/usr", target: "/usr" },
    { source: "/usr/bin", target: "/etc/ssl" },
    { source: "/etc/hostname", target: "/etc/localtime" },
  ],
  links: [],
  tools: [{ source: "/opt", target: "/opt" }],
  hidden: ["/etc/ssl/private", "/opt/work"],
  path: "/usr/bin",
};

test("what a view shows of /etc is mounted in one place, with what is hidden there and room for a step's own", async () => {
  const gathered = await gatherSettings(view, directory);
  expect(gathered.view).toEqual({
    ...view,
    directories: [
      { source: "/usr", target: "/usr" },
      { source: join(directory, "etc"), target: "/etc" },
    ],
    hidden: ["/opt/work"],
  });
  expect(gathered.mounts.map(({ source, target }) => [source, target])).toEqual([
    ["/usr/bin", join(directory, "etc/ssl")],
    ["/etc/hostname", join(directory, "etc/localtime")],
    ["hidden", join(directory, "etc/ssl/private")],
  ]);
  expect((await readdir(join(directory, "etc"))).toSorted()).toEqual(["group", "hosts", "localtime", "passwd", "ssl"]);
  expect((await stat(join(directory, "etc/ssl"))).isDirectory()).toBe(true);
});

test("with an operator's directory in /etc all stays as it is", async () => {
  const tools = [{ source: "/opt", target: "/etc/opt/tools" }];
  expect(await gatherSettings({ ...view, tools }, directory)).toEqual({ view: { ...view, tools }, mounts: [] });
  expect(await readdir(directory)).toEqual([]);
});
