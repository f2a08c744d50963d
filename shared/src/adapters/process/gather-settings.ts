import { access, chmod, constants, cp, lstat, mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { HostView } from "./host-view.ts";
import type { StepUser } from "./step-mounts.ts";

/** Nobody of the machine's own is among them. */
function ownSettings({ id }: StepUser): Readonly<Record<string, string>> {
  return {
    passwd: `root:x:0:0::/:/usr/sbin/nologin\nstep:x:${id}:${id}::/tmp:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n`,
    group: `root:x:0:\nstep:x:${id}:\nnogroup:x:65534:\n`,
    hosts: "127.0.0.1 localhost\n::1 localhost\n",
  };
}

/**
 * Copies what a view shows of /etc to one place, `directory`, which is made, and adds what a step of that user finds there
 * besides: to mount it piece by piece takes longer than all else that isolates a step. What is hidden there is left out, and so
 * is what this process may not read.
 *
 * @returns the view with that as its /etc.
 */
export async function gatherSettings(view: HostView, user: StepUser, directory: string): Promise<HostView> {
  const inThere = (path: string): string => join(directory, path.slice("/etc".length));
  const isGathered = (path: string): boolean =>
    isSetting(path) && !view.tools.some(({ target }) => `${path}/`.startsWith(`${target}/`));
  const hidden = view.hidden.filter(isGathered);
  await mkdir(directory);
  // Whatever the umask of this process is.
  await chmod(directory, 0o755);
  for (const { source, target } of view.directories.filter((shown) => isSetting(shown.target))) {
    const isShown = (path: string): boolean => !hidden.includes(target + path.slice(source.length));
    await cp(source, inThere(target), {
      recursive: true,
      verbatimSymlinks: true,
      filter: async (path) => isShown(path) && (await canBeCopied(path)),
    });
  }
  for (const [name, content] of Object.entries(ownSettings(user))) {
    await writeFile(join(directory, name), content);
    await chmod(join(directory, name), 0o644);
  }
  // Nothing can be made in there later on, so what is mounted there has its place now.
  for (const path of hidden) await mkdir(inThere(path), { recursive: true });
  for (const { source, target } of view.tools.filter((shown) => isSetting(shown.target))) {
    const isDirectory = (await stat(source)).isDirectory();
    await mkdir(isDirectory ? inThere(target) : dirname(inThere(target)), { recursive: true });
    if (!isDirectory) await writeFile(inThere(target), "");
  }
  return {
    ...view,
    directories: [
      ...view.directories.filter(({ target }) => !isSetting(target)),
      { source: directory, target: "/etc" },
    ],
    hidden: view.hidden.filter((path) => !isGathered(path)),
  };
}

function isSetting(path: string): boolean {
  return path.startsWith("/etc/");
}

async function canBeCopied(path: string): Promise<boolean> {
  const found = await lstat(path);
  if (found.isSymbolicLink()) return true;
  if (!found.isFile() && !found.isDirectory()) return false;
  const wanted = found.isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK;
  return access(path, wanted).then(
    () => true,
    () => false,
  );
}
