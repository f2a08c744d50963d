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
 * A name for what this machine gives to steps: another one after any program on their PATH, any package of the system,
 * anything directly in a directory of the operator's, or any setting was added, replaced or removed. In place of a container
 * image.
 */
export async function nameOfPrograms(isolation: IsolationKind, view: HostView, settings: string): Promise<string> {
  const directories = [...new Set([...view.path.split(":"), ...view.tools.map(({ source }) => source), ...libraries])];
  const listed = await Promise.all([...directories.map(listDirectory), ...listsOfPackages.map(describe)]);
  const system = await readFile("/etc/os-release", "utf8").catch(() => "");
  const parts = [isolation, process.arch, view.path, system, settings, ...listed];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** A name for what steps see of /etc: another one after any file in there was added, replaced, written to or removed. */
export async function nameOfSettings(view: HostView): Promise<string> {
  const sources = view.directories.filter(({ target }) => target.startsWith("/etc/")).map(({ source }) => source);
  const listed = await Promise.all(
    sources.map(async (source) => {
      const below = await readdir(source, { recursive: true }).catch(() => []);
      const paths = [source, ...below.toSorted((a, b) => (a < b ? -1 : 1)).map((name) => join(source, name))];
      return Promise.all(paths.map(async (path) => `${path} ${await describe(path)}`));
    }),
  );
  return createHash("sha256").update(JSON.stringify(listed)).digest("hex");
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
