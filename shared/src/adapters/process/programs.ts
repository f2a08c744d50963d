import { createHash } from "node:crypto";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type { HostView } from "./host-view.ts";
import type { IsolationKind } from "./isolation.ts";

/** What installing, upgrading or removing a package changes, besides the programs themselves. */
const listsOfPackages = ["/var/lib/dpkg/status", "/var/lib/rpm/rpmdb.sqlite", "/lib/apk/db/installed"];

/** Where people install what has no program of its own, beside the system's packages. */
const libraries = ["/usr/local/lib/node_modules", "/usr/lib/node_modules", ...pythonLibraries()];

function pythonLibraries(): string[] {
  const versions = Array.from({ length: 12 }, (_, index) => `3.${index + 7}`);
  return ["/usr/local/lib", "/usr/lib"].flatMap((directory) =>
    ["3", ...versions].flatMap((version) =>
      ["site-packages", "dist-packages"].map((name) => `${directory}/python${version}/${name}`),
    ),
  );
}

/**
 * A name for what this machine gives to steps: another one after any program on their PATH, any package of the system or
 * anything directly in a directory of the operator's, or in one of those that they see of /etc, was added, replaced or
 * removed. In place of a container image.
 */
export async function nameOfPrograms(isolation: IsolationKind, view: HostView): Promise<string> {
  const tools = view.tools.map(({ source }) => source);
  const settings = view.directories.filter(({ target }) => target.startsWith("/etc/")).map(({ source }) => source);
  const directories = [...new Set([...view.path.split(":"), ...tools, ...libraries, ...settings])];
  const files = [...listsOfPackages, ...settings];
  const listed = await Promise.all([...directories.map(listDirectory), ...files.map(describe)]);
  const system = await readFile("/etc/os-release", "utf8").catch(() => "");
  const parts = [isolation, process.arch, view.path, system, ...listed];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

async function listDirectory(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  return Promise.all(
    names.toSorted((a, b) => (a < b ? -1 : 1)).map(async (name) => `${name} ${await describe(join(directory, name))}`),
  );
}

async function describe(path: string): Promise<string> {
  // Of a link what it leads to, by whichever way: /usr/bin/awk is one to one in /etc/alternatives.
  const [leads, found] = await Promise.all([realpath(path).catch(() => undefined), stat(path).catch(() => undefined)]);
  return found === undefined ? "none" : `${leads} ${found.size} ${found.mtimeMs} ${found.ino}`;
}
