import { lstat, mkdir, open, realpath } from "node:fs/promises";
import path from "node:path";
import { BlobStoreUnavailable } from "../../ports/blob-store.ts";
import { codeOf } from "../error-code.ts";

// Walks folder by folder, so that a symbolic link on the way is found before it is followed.

/** The folder below `root`, or nothing when there is none. @throws BlobStoreUnavailable on a link or a file on the way. */
export async function findFolder(root: string, segments: readonly string[]): Promise<string | undefined> {
  const wanted = path.join(root, ...segments);
  const found = await resolvePath(wanted);
  if (found === undefined || found === wanted) return found;
  let folder = root;
  for (const segment of segments) {
    folder = path.join(folder, segment);
    if (!(await isThere(folder))) return undefined;
    await refuseUnlessFolder(folder);
  }
  return folder;
}

/**
 * The folder below `root`, made where it is missing and on disk when this answers; beside others who make or remove the
 * same. @throws BlobStoreUnavailable on a link or a file on the way.
 */
export async function makeFolders(root: string, segments: readonly string[]): Promise<string> {
  const wanted = path.join(root, ...segments);
  // One call where all are there; the way is walked to make one, or to say what stands in it.
  if ((await resolvePath(wanted)) === wanted) return wanted;
  let folder = root;
  for (const segment of segments) {
    const parent = folder;
    folder = path.join(parent, segment);
    try {
      if (await makeFolder(folder)) await syncFolder(parent);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
      return makeFolders(root, segments); // `remove` took the empty parent meanwhile
    }
  }
  return folder;
}

/** Where a path leads by way of links, or nothing when there is nothing. `root` itself has been resolved. */
async function resolvePath(file: string): Promise<string | undefined> {
  try {
    return await realpath(file);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    // A file or a circle of links on the way: whoever walks it says where.
    if (codeOf(error) === "ENOTDIR" || codeOf(error) === "ELOOP") return "";
    throw error;
  }
}

/** Answers whether it was made now. @throws BlobStoreUnavailable on a link or a file in its place. */
export async function makeFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    await refuseUnlessFolder(folder);
    return false;
  }
}

async function refuseUnlessFolder(folder: string): Promise<void> {
  const found = await lstat(folder).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined; // removed meanwhile: what comes next finds nothing in it
    throw error;
  });
  if (found !== undefined && !found.isDirectory()) {
    throw new BlobStoreUnavailable(`${folder} is not a folder but a link or a file. Move it out of the blob store.`);
  }
}

export async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined; // its blob was removed already
    throw error;
  });
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}
