import { closeSync, fsync, lstatSync, openSync, type Stats } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { codeOf } from "../error-code.ts";

/** Makes sure that what folders name survives a loss of power. */
export interface FoldersOnDisk {
  /**
   * Resolves when what is named in the folder below `root` now is on the disk, and so are the names of all folders on the
   * way to it, whoever made them. A folder that is gone meanwhile has nothing to lose.
   */
  sync(root: string, segments: readonly string[]): Promise<void>;
}

const syncFile = promisify(fsync);

/** So many folders are remembered; then it begins anew, which costs nothing but to sync some of them again. */
const mostRemembered = 10_000;

/**
 * A folder's own name is made sure of once: it is remembered, by what tells it from one that another process makes anew.
 * @param syncNames See {@link syncFolder}.
 */
export function createFoldersOnDisk(syncNames: (folder: string) => Promise<void> = syncFolder): FoldersOnDisk {
  const named = new Map<string, { readonly identity: string; readonly synced: Promise<void> }>();

  function ensureNamed(folder: string): Promise<void> | undefined {
    const found = lstatSync(folder, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    const identity = identityOf(found);
    if (identity === undefined) return syncNames(path.dirname(folder));
    const known = named.get(folder);
    if (known?.identity === identity) return known.synced;
    if (named.size >= mostRemembered) named.clear();
    const synced = syncNames(path.dirname(folder));
    named.set(folder, { identity, synced });
    synced.catch(() => named.delete(folder));
    return synced;
  }

  return {
    async sync(root, segments) {
      const underWay: (Promise<void> | undefined)[] = [];
      let folder = root;
      for (const segment of segments) {
        folder = path.join(folder, segment);
        underWay.push(ensureNamed(folder));
      }
      await Promise.all([...underWay, syncNames(folder)]);
    },
  };
}

/** Undefined where the file system does not tell when a folder was made: then another one may have its number. */
function identityOf({ dev, ino, birthtimeMs }: Stats): string | undefined {
  return birthtimeMs === 0 ? undefined : `${dev} ${ino} ${birthtimeMs}`;
}

/** Makes sure of the names in a folder. */
export async function syncFolder(folder: string): Promise<void> {
  let descriptor: number;
  try {
    descriptor = openSync(folder, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return; // its blob was removed already
    throw error;
  }
  try {
    await syncFile(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
