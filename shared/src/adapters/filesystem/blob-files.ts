import { constants, lstatSync } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import path from "node:path";
import { BlobStoreUnavailable, type StoredBlob } from "../../ports/blob-store.ts";
import { codeOf } from "../error-code.ts";
import { readKnownFile } from "../known-file.ts";
import { findFolder } from "./folders.ts";

// How blobs are found again in their folders.

/** Begins the name of a blob's file. No key has it, so the blob `a` and the folder of the blob `a/b` can both be. */
const blobMark = "=";

/** The name of the file of a blob, in the folder of all segments but the last. */
export function fileNameOf(segments: readonly string[]): string {
  return `${blobMark}${segments.at(-1) ?? ""}`;
}

/** The file of a blob and its size, or nothing when there is none. @throws BlobStoreUnavailable for a link in its place. */
export function findBlob(
  blobs: string,
  segments: readonly string[],
): { readonly file: string; readonly sizeBytes: number } | undefined {
  const folder = findFolder(blobs, segments.slice(0, -1));
  if (folder === undefined) return undefined;
  const file = path.join(folder, fileNameOf(segments));
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isFile()) throw new BlobStoreUnavailable(`${file} is not a file. Move it out of the blob store.`);
  return { file, sizeBytes: found.size };
}

/** The bytes of a blob, or nothing when there is none. */
export async function readBlob(blobs: string, segments: readonly string[]): Promise<Buffer | undefined> {
  const found = findBlob(blobs, segments);
  if (found === undefined) return undefined;
  try {
    return await readKnownFile(found.file, found.sizeBytes);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined; // removed meanwhile
    throw error;
  }
}

/** The bytes of a blob in pieces; `missing` makes the error when there is none any more. */
export async function* piecesOfBlob(
  blobs: string,
  segments: readonly string[],
  missing: () => Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  const found = findBlob(blobs, segments);
  if (found === undefined) throw missing();
  const handle = await open(found.file, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    throw codeOf(error) === "ENOENT" ? missing() : error;
  });
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
