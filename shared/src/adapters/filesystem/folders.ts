import { lstatSync, mkdirSync, unlinkSync } from "node:fs";
import path from "node:path";
import { BlobStoreUnavailable } from "../../ports/blob-store.ts";
import { codeOf } from "../error-code.ts";

// Walks folder by folder, so that a symbolic link on the way is found before it is followed.

/** The folder below `root`, or nothing when there is none. @throws BlobStoreUnavailable on a link or a file on the way. */
export function findFolder(root: string, segments: readonly string[]): string | undefined {
  let folder = root;
  for (const segment of segments) {
    folder = path.join(folder, segment);
    if (!isFolder(folder)) return undefined;
  }
  return folder;
}

/**
 * The folder below `root`, made where it is missing, beside others who make or remove the same.
 * @throws BlobStoreUnavailable on a link or a file on the way.
 */
export function makeFolders(root: string, segments: readonly string[]): string {
  let folder = root;
  for (const segment of segments) {
    folder = path.join(folder, segment);
    try {
      makeFolder(folder);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
      return makeFolders(root, segments); // `remove` took the empty parent meanwhile
    }
  }
  return folder;
}

/** @throws BlobStoreUnavailable on a link or a file in its place. */
export function makeFolder(folder: string): void {
  if (isFolder(folder)) return;
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    isFolder(folder); // somebody else was faster; if it is gone again, what comes next finds nothing in it
  }
}

/** False when nothing is there. @throws BlobStoreUnavailable on a link or a file in its place. */
function isFolder(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return false;
  if (found.isDirectory()) return true;
  throw new BlobStoreUnavailable(`${folder} is not a folder but a link or a file. Move it out of the blob store.`);
}

export function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

export function removeFile(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
