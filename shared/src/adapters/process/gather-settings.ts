import { chmod, cp, lstat, mkdir, open, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { HostView } from "./host-view.ts";
import type { StepUser } from "./step-mounts.ts";

/**
 * Copies what a view shows of /etc to one place, `directory`, which is made: to mount it piece by piece takes longer than all
 * else that isolates a step. What is hidden there is left out, and so is what this process may not read.
 *
 * @returns the view with that as its /etc.
 */
export async function gatherSettings(view: HostView, directory: string): Promise<HostView> {
  const tools = view.tools.filter(({ target }) => isSetting(target));
  const isTool = (path: string): boolean => tools.some(({ target }) => `${path}/`.startsWith(`${target}/`));
  const hidden = view.hidden.filter((path) => isSetting(path) && !isTool(path));
  await makeOpenDirectory(directory);
  for (const { source, target } of view.directories.filter((shown) => isSetting(shown.target))) {
    const isShown = (path: string): boolean => !hidden.includes(path) && !isTool(path);
    await cp(source, inCopy(directory, target), {
      recursive: true,
      verbatimSymlinks: true,
      filter: async (path) => isShown(target + path.slice(source.length)) && (await canBeCopied(path)),
    });
  }
  // Nothing can be made in there later on, so what is mounted there has its place now.
  for (const path of hidden) await makePlace(directory, path, "directory");
  for (const { source, target } of tools) {
    await makePlace(directory, target, (await stat(source)).isDirectory() ? "directory" : "file");
  }
  return {
    ...view,
    directories: [
      ...view.directories.filter(({ target }) => !isSetting(target)),
      { source: directory, target: "/etc" },
    ],
    hidden: view.hidden.filter((path) => !hidden.includes(path)),
  };
}

/** Copies a gathered /etc to another place, which is made, and adds what a step of that user finds there besides. */
export async function settingsOfUser(gathered: HostView, user: StepUser, directory: string): Promise<HostView> {
  const isEtc = ({ target }: { readonly target: string }): boolean => target === "/etc";
  const etc = gathered.directories.find(isEtc);
  if (etc === undefined) throw new Error("The settings of the machine were not gathered.");
  await cp(etc.source, directory, { recursive: true, verbatimSymlinks: true });
  await chmod(directory, 0o755);
  for (const [name, content] of Object.entries(ownSettings(user))) {
    await writeFile(join(directory, name), content, { flag: "wx" });
    await chmod(join(directory, name), 0o644);
  }
  const directories = gathered.directories.map((shown) => (isEtc(shown) ? { ...shown, source: directory } : shown));
  return { ...gathered, directories };
}

/** Nobody of the machine's own is among them. */
function ownSettings({ id }: StepUser): Readonly<Record<string, string>> {
  return {
    passwd: `root:x:0:0::/:/usr/sbin/nologin\nstep:x:${id}:${id}::/tmp:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n`,
    group: `root:x:0:\nstep:x:${id}:\nnogroup:x:65534:\n`,
    hosts: "127.0.0.1 localhost\n::1 localhost\n",
  };
}

function inCopy(directory: string, path: string): string {
  return join(directory, path.slice("/etc".length));
}

/** Makes what something can be mounted on. Below a symbolic link, which leads out of the copy, it is there or is not. */
async function makePlace(directory: string, path: string, kind: "directory" | "file"): Promise<void> {
  const place = inCopy(directory, path);
  const parents: string[] = [];
  for (let parent = dirname(place); parent !== directory; parent = dirname(parent)) parents.unshift(parent);
  for (const parent of parents) {
    const found = await lstat(parent).catch(() => undefined);
    if (found === undefined) await makeOpenDirectory(parent);
    else if (!found.isDirectory()) return;
  }
  const isThere = (await lstat(place).catch(() => undefined)) !== undefined;
  if (isThere) return;
  if (kind === "directory") await makeOpenDirectory(place);
  else await writeFile(place, "", { flag: "wx" });
}

/** Whatever the umask of this process is. */
async function makeOpenDirectory(path: string): Promise<void> {
  await mkdir(path);
  await chmod(path, 0o755);
}

function isSetting(path: string): boolean {
  return path.startsWith("/etc/");
}

/** Asked as it will be read: `access` asks for the real user instead of the effective one. */
async function canBeCopied(path: string): Promise<boolean> {
  const found = await lstat(path);
  if (found.isSymbolicLink()) return true;
  if (!found.isFile() && !found.isDirectory()) return false;
  try {
    await (await open(path)).close();
    // A directory that can be listed may still be closed to who wants to look into it.
    if (found.isDirectory()) await lstat(`${path}/.`);
    return true;
  } catch {
    return false;
  }
}
