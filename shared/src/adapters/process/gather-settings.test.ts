import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { gatherSettings, settingsOfUser } from "./gather-settings.ts";
import type { HostView } from "./host-view.ts";
import { isRoot } from "./isolation.ts";
import { runCommand } from "./run-command.ts";

const nobody = 65_534;

let directory: string;
let etc: string;
let view: HostView;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-settings-"));
  etc = join(directory, "copied");
  const ssl = join(directory, "ssl");
  await mkdir(join(ssl, "certs"), { recursive: true });
  await mkdir(join(ssl, "private"));
  await writeFile(join(ssl, "certs", "a.pem"), "certificate");
  await symlink("a.pem", join(ssl, "certs", "b.pem"));
  await writeFile(join(ssl, "private", "key.pem"), "secret");
  await writeFile(join(directory, "zone"), "UTC");
  view = {
    directories: [
      { source: "/usr", target: "/usr" },
      { source: ssl, target: "/etc/ssl" },
      { source: join(directory, "zone"), target: "/etc/localtime" },
    ],
    links: [],
    tools: [{ source: "/opt", target: "/opt" }],
    hidden: ["/etc/ssl/private", "/opt/work"],
    path: "/usr/bin",
  };
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

test("what a view shows of /etc is copied to one place, without what is hidden", async () => {
  expect(await gatherSettings(view, etc)).toEqual({
    ...view,
    directories: [
      { source: "/usr", target: "/usr" },
      { source: etc, target: "/etc" },
    ],
    hidden: ["/opt/work"],
  });
  expect((await readdir(etc)).toSorted()).toEqual(["localtime", "ssl"]);
  expect(await readFile(join(etc, "localtime"), "utf8")).toBe("UTC");
  expect(await readFile(join(etc, "ssl", "certs", "a.pem"), "utf8")).toBe("certificate");
  expect(await readlink(join(etc, "ssl", "certs", "b.pem"))).toBe("a.pem");
  expect(await readdir(join(etc, "ssl", "private"))).toEqual([]);
});

test("files keep their modes, and what is no file is left out", async () => {
  await chmod(join(directory, "ssl", "certs", "a.pem"), 0o600);
  const fifo = join(directory, "ssl", "fifo");
  await runCommand({
    argv: ["mkfifo", fifo],
    environment: { PATH: "/usr/bin:/bin" },
    timeoutMs: 5000,
    maxOutputBytes: 1,
  });
  await gatherSettings(view, etc);
  expect((await readdir(join(etc, "ssl"))).toSorted()).toEqual(["certs", "private"]);
  expect((await lstat(join(etc, "ssl", "certs", "a.pem"))).mode & 0o777).toBe(0o600);
});

test("what this process may not read is left out", async () => {
  const ssl = join(directory, "ssl");
  await chmod(join(ssl, "certs", "a.pem"), 0);
  await mkdir(join(ssl, "listed"), { mode: 0o444 });
  const isRootHere = isRoot();
  for (const path of [directory, ssl, join(ssl, "certs")]) if (isRootHere) await chown(path, nobody, nobody);
  if (isRootHere) process.seteuid?.(nobody);
  try {
    await gatherSettings(view, etc);
  } finally {
    if (isRootHere) process.seteuid?.(0);
  }
  expect(await readdir(join(etc, "ssl", "certs"))).toEqual(["b.pem"]);
  expect((await readdir(join(etc, "ssl"))).toSorted()).toEqual(["certs", "private"]);
});

test("a user has a copy with an account of its own", async () => {
  const gathered = await gatherSettings(view, etc);
  const own = join(directory, "own");
  expect(await settingsOfUser(gathered, { kind: "mapped", id: 4711 }, own)).toEqual({
    ...gathered,
    directories: [
      { source: "/usr", target: "/usr" },
      { source: own, target: "/etc" },
    ],
  });
  expect((await readdir(own)).toSorted()).toEqual(["group", "hosts", "localtime", "passwd", "ssl"]);
  expect(await readFile(join(own, "passwd"), "utf8")).toContain("\nstep:x:4711:4711::/tmp:");
  expect(await readlink(join(own, "ssl", "certs", "b.pem"))).toBe("a.pem");
});

test("nothing is written where a symbolic link leads to", async () => {
  const outside = join(directory, "outside");
  await mkdir(outside);
  await writeFile(join(outside, "program"), "of the machine");
  await symlink(outside, join(directory, "ssl", "elsewhere"));
  await symlink(join(outside, "program"), join(directory, "ssl", "program"));
  const tools = ["program", "elsewhere/program", "elsewhere/missing", "elsewhere/missing/deeper"].map((name) => ({
    source: join(directory, "zone"),
    target: `/etc/ssl/${name}`,
  }));
  await gatherSettings({ ...view, tools, hidden: ["/etc/ssl/elsewhere/private"] }, etc);
  expect(await readFile(join(outside, "program"), "utf8")).toBe("of the machine");
  expect(await readdir(outside)).toEqual(["program"]);
  expect((await lstat(join(etc, "ssl", "program"))).isFile()).toBe(true);
  expect((await lstat(join(etc, "ssl", "elsewhere"))).isSymbolicLink()).toBe(true);
});

test("an operator's directory in /etc has its place, and what is hidden in it stays hidden there", async () => {
  const tools = [
    { source: directory, target: "/etc/opt/tools" },
    { source: join(directory, "zone"), target: "/etc/zone" },
  ];
  const hidden = ["/etc/opt/tools/work"];
  expect(await gatherSettings({ ...view, tools, hidden }, etc)).toMatchObject({ tools, hidden });
  expect((await lstat(join(etc, "opt", "tools"))).isDirectory()).toBe(true);
  expect((await lstat(join(etc, "zone"))).isFile()).toBe(true);
});
