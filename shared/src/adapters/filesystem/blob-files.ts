import { constants } from "node:fs";
import { lstat, open, readdir, type FileHandle } from "node:fs/promises";
import path from "node:path";
import type { StoredBlob } from "../../ports/blob-store.ts";
import { codeOf } from "../error-code.ts";
import { findFolder } from "./folders.ts";

// How blobs are found again in their folders.

/** Begins the name of a blob's file. No key has it, so the blob `a` and the folder of the blob `a/b` can both be. */
const blobMark = "=";

/** The name of the file of a blob, in the folder of all segments but the last. */
export function fileNameOf(segments: readonly string[]): string {
  return `${blobMark}${segments.at(-1) ?? ""}`;
}

/** Opens the file of a blob, or nothing when there is none. Whoever opens it closes it. */
async function openBlob(blobs: string, segments: readonly string[]): Promise<FileHandle | undefined> {
  const folder = await findFolder(blobs, segments.slice(0, -1));
  if (folder === undefined) return undefined;
  try {
    return await open(path.join(folder, fileNameOf(segments)), constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** What `read` makes of an open blob, or nothing when there is none. */
export async function readBlob<T>(
  blobs: string,
  segments: readonly string[],
  read: (handle: FileHandle) => Promise<T>,
): Promise<T | undefined> {
  const handle = await openBlob(blobs, segments);
  try {
    return handle && (await read(handle));
  } finally {
    await handle?.close();
  }
}

/** The bytes of a blob in pieces; `missing` makes the error when there is none any more. */
export async function* piecesOfBlob(
  blobs: string,
  segments: readonly string[],
  missing: () => Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await openBlob(blobs, segments);
  if (handle === undefined) throw missing();
  try {
    for await (const piece of handle.createReadStream({ autoClose: false })) {
      yield piece as Uint8Array; // without an encoding a file is read as bytes
    }
  } finally {
    await handle.close();
  }
}

/** The keys of the blobs in a folder, each after `prefix`, in byte order; with `after` only those that come after it. */
export async function* keysBelow(folder: string, prefix: string, after = ""): AsyncGenerator<string, void, undefined> {
  if (prefix < after && !after.startsWith(prefix)) return; // all of them come before
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return []; // removed meanwhile
    throw error;
  });
  // What is below the folder `a` comes where `a/` does: after the blobs `a` and `a-1`, before the blob `aa`.
  const names = entries.flatMap((entry) => {
    if (entry.isDirectory()) return [`${entry.name}/`];
    return entry.isFile() && entry.name.startsWith(blobMark) ? [entry.name.slice(blobMark.length)] : [];
  });
  for (const name of names.sort()) {
    const key = `${prefix}${name}`;
    if (name.endsWith("/")) yield* keysBelow(path.join(folder, name), key, after);
    else if (key > after) yield key;
  }
}

/** What a scan tells of a blob; nothing when it was removed meanwhile. */
export async function describeBlob(blobs: string, key: string): Promise<StoredBlob | undefined> {
  const segments = key.split("/");
  try {
    const { size, mtime } = await lstat(path.join(blobs, ...segments.slice(0, -1), fileNameOf(segments)));
    return { key, sizeBytes: size, storedAt: mtime };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
