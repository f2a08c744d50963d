import { link, mkdir, realpath, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import {
  BlobNotFound,
  BlobStoreUnavailable,
  InvalidBlobKey,
  type BlobStore,
  type StoredBlob,
} from "../../ports/blob-store.ts";
import { segmentsOfKey, segmentsOfPrefix } from "../blob-key.ts";
import { codeOf } from "../error-code.ts";
import { keepJudged } from "../judged-body.ts";
import { describeBlob, fileNameOf, keysBelow, piecesOfBlob, readBlob } from "./blob-files.ts";
import { findFolder, isThere, makeFolder, makeFolders, syncFolder } from "./folders.ts";
import { removeLeftovers, writeIncoming } from "./incoming-files.ts";

/**
 * Keeps blobs as files in a folder of this machine, on disk before `put` answers.
 *
 * A blob appears whole or not at all: it is written to `directory/incoming` and then linked to its name under
 * `directory/blobs`, which fails when the name is taken. What a crash leaves in `incoming` the next process removes.
 * Symbolic links below the folder are never followed. Several processes may share the folder.
 */
export function createFilesystemBlobStore(options: { readonly directory: string }): BlobStore {
  let opened: Promise<Folders> | undefined;
  const open = () => {
    opened ??= openFolders(options.directory).catch((error: unknown) => {
      opened = undefined; // a full or missing disk may be back at the next call
      throw error;
    });
    return opened;
  };
  const attempt = async <T>(what: string, work: (folders: Folders) => Promise<T>): Promise<T> => {
    try {
      return await work(await open());
    } catch (error) {
      throw isOfThePort(error) ? error : unavailable(what, options.directory, error);
    }
  };
  return {
    async put(key, bytes) {
      const segments = segmentsOfKey(key);
      return attempt(`put ${key}`, async (folders) => ({ stored: await put(folders, segments, bytes) }));
    },
    async putStream(key, body, limits) {
      const segments = segmentsOfKey(key);
      return keepJudged(key, body, limits, (judged) =>
        attempt(`put ${key}`, (folders) => put(folders, segments, judged)),
      );
    },
    async get(key) {
      const segments = segmentsOfKey(key);
      return attempt(`get ${key}`, async ({ blobs }) => {
        const bytes = await readBlob(blobs, segments, (handle) => handle.readFile());
        if (bytes === undefined) throw new BlobNotFound(key);
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      });
    },
    async open(key) {
      const segments = segmentsOfKey(key);
      return attempt(`open ${key}`, async ({ blobs }) => {
        const found = await readBlob(blobs, segments, (handle) => handle.stat());
        if (found === undefined) throw new BlobNotFound(key);
        return { sizeBytes: found.size, body: piecesOfBlob(blobs, segments, () => new BlobNotFound(key)) };
      });
    },
    async link(key) {
      segmentsOfKey(key);
      return undefined;
    },
    async list(prefix) {
      const segments = segmentsOfPrefix(prefix);
      return attempt(`list ${prefix}`, async ({ blobs }) => {
        const folder = await findFolder(blobs, segments);
        return folder === undefined ? [] : Array.fromAsync(keysBelow(folder, prefix));
      });
    },
    async scan({ after, limit }) {
      if (after !== undefined) segmentsOfKey(after);
      return attempt("scan", async ({ blobs }) => {
        const found: StoredBlob[] = [];
        for await (const key of keysBelow(blobs, "", after)) {
          if (found.length >= limit) break;
          const blob = await describeBlob(blobs, key);
          if (blob !== undefined) found.push(blob);
        }
        return found;
      });
    },
    async remove(key) {
      const segments = segmentsOfKey(key);
      return attempt(`remove ${key}`, ({ blobs }) => remove(blobs, segments));
    },
    async check() {
      await attempt("check", async ({ incoming }) => rm(await writeIncoming(incoming, new Uint8Array([1]))));
    },
  };
}

interface Folders {
  readonly blobs: string;
  readonly incoming: string;
}

async function openFolders(directory: string): Promise<Folders> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const root = await realpath(directory);
  const folders = { blobs: path.join(root, "blobs"), incoming: path.join(root, "incoming") };
  await makeFolder(folders.blobs);
  await makeFolder(folders.incoming);
  await removeLeftovers(folders.incoming);
  return folders;
}

/** Answers whether it was stored: false when the key is taken. */
async function put(
  folders: Folders,
  segments: readonly string[],
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<boolean> {
  if (await exists(folders.blobs, segments)) return false;
  const file = await writeIncoming(folders.incoming, bytes);
  try {
    for (;;) {
      const folder = await makeFolders(folders.blobs, segments.slice(0, -1));
      try {
        await link(file, path.join(folder, fileNameOf(segments)));
      } catch (error) {
        if (codeOf(error) === "EEXIST") return false;
        if (codeOf(error) === "ENOENT" && (await isThere(file))) continue; // `remove` took the empty folder meanwhile
        throw error;
      }
      await syncFolder(folder);
      return true;
    }
  } finally {
    await rm(file, { force: true });
  }
}

async function remove(blobs: string, segments: readonly string[]): Promise<void> {
  const folder = await findFolder(blobs, segments.slice(0, -1));
  if (folder === undefined) return;
  await rm(path.join(folder, fileNameOf(segments)), { force: true });
  for (let empty = folder; empty !== blobs; empty = path.dirname(empty)) {
    const isRemoved = await rmdir(empty).then(
      () => true,
      () => false, // others are in it, or somebody was faster
    );
    if (!isRemoved) return;
  }
}

async function exists(blobs: string, segments: readonly string[]): Promise<boolean> {
  const folder = await findFolder(blobs, segments.slice(0, -1));
  return folder !== undefined && isThere(path.join(folder, fileNameOf(segments)));
}

function isOfThePort(error: unknown): boolean {
  return error instanceof BlobNotFound || error instanceof InvalidBlobKey || error instanceof BlobStoreUnavailable;
}

function unavailable(what: string, directory: string, cause: unknown): BlobStoreUnavailable {
  return new BlobStoreUnavailable(
    `The blob store in ${directory} could not ${what}: ${cause instanceof Error ? cause.message : String(cause)}. ` +
      "The folder must be writable, on a disk with space that supports hard links.",
    { cause },
  );
}
