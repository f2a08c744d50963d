import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EnclosureMount } from "./enclosure.ts";
import type { HostView } from "./host-view.ts";

/** Each step has its own, which is mounted there. */
const ownSettings = ["passwd", "group", "hosts"];

/**
 * Has what a view shows of /etc put together once for an enclosure, below `directory`, instead of piece by piece for every
 * step: to mount it piece by piece takes bubblewrap longer than all else.
 *
 * @returns the view with /etc as one directory, and what an enclosure mounts for it.
 */
export async function gatherSettings(
  view: HostView,
  directory: string,
): Promise<{ readonly view: HostView; readonly mounts: readonly EnclosureMount[] }> {
  // Nothing can be mounted in what is gathered later on.
  if (view.tools.some(({ target }) => isSetting(target))) return { view, mounts: [] };
  const settings = view.directories.filter(({ target }) => isSetting(target));
  await makeOpenDirectory(join(directory, "etc"));
  for (const { source, target } of settings) {
    const place = join(directory, target);
    await ((await stat(source)).isDirectory() ? makeOpenDirectory(place) : writeFile(place, ""));
  }
  for (const name of ownSettings) await writeFile(join(directory, "etc", name), "");
  return {
    view: {
      ...view,
      directories: [
        ...view.directories.filter(({ target }) => !isSetting(target)),
        { source: join(directory, "etc"), target: "/etc" },
      ],
      hidden: view.hidden.filter((path) => !isSetting(path)),
    },
    mounts: [
      ...settings.map(({ source, target }) => ({
        source,
        target: join(directory, target),
        type: "none",
        options: "bind",
      })),
      ...view.hidden.filter(isSetting).map((path) => ({
        source: "hidden",
        target: join(directory, path),
        type: "tmpfs",
        options: "ro,size=4k,mode=0755",
      })),
    ],
  };
}

function isSetting(path: string): boolean {
  return path.startsWith("/etc/");
}

/** Whatever the umask of this process is. */
async function makeOpenDirectory(path: string): Promise<void> {
  await mkdir(path);
  await chmod(path, 0o755);
}
