import { linkSync, rmdirSync } from "node:fs";
import { mkdir, realpath } from "node:fs/promises";
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
import { createTurns } from "../known-file.ts";
import { describeBlob, fileNameOf, findBlob, keysBelow, piecesOfBlob, readBlob } from "./blob-files.ts";
import { createFoldersOnDisk, syncFolder, type FoldersOnDisk } from "./folders-on-disk.ts";
import { findFolder, isThere, makeFolder, makeFolders, removeFile } from "./folders.ts";
import { removeLeftovers, writeIncoming } from "./incoming-files.ts";

/** A call of the store keeps others waiting for about as long as it takes to read so much. */
const callBytes = 64 << 10;

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
  const turn = createTurns();
  const attempt = async <T>(what: string, work: (folders: Folders) => Promise<T>): Promise<T> => {
    try {
      const folders = await open();
      await turn(callBytes);
      return await work(folders);
    } catch (error) {
      throw isOfThePort(error) ? error : unavailable(what, options.directory, error);
    }
  };
  return {
    async put(key, bytes, { durable = true } = {}) {
      const segments = segmentsOfKey(key);
      return attempt(`put ${key}`, async (folders) => ({ stored: await put(folders, segments, bytes, durable) }));
    },
    async putStream(key, body, limits) {
      const segments = segmentsOfKey(key);
      return keepJudged(key, body, limits, (judged) =>
        attempt(`put ${key}`, (folders) => put(folders, segments, judged, limits.durable ?? true)),
      );
    },
    async get(key) {
      const segments = segmentsOfKey(key);
      return attempt(`get ${key}`, async ({ blobs }) => {
        const bytes = await readBlob(blobs, segments);
        if (bytes === undefined) throw new BlobNotFound(key);
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      });
    },
    async open(key) {
      const segments = segmentsOfKey(key);
      return attempt(`open ${key}`, async ({ blobs }) => {
        const found = findBlob(blobs, segments);
        if (found === undefined) throw new BlobNotFound(key);
        return { sizeBytes: found.sizeBytes, body: piecesOfBlob(blobs, segments, () => new BlobNotFound(key)) };
      });
    },
    async link(key) {
      segmentsOfKey(key);
      return undefined;
    },
    async list(prefix) {
      const segments = segmentsOfPrefix(prefix);
      return attempt(`list ${prefix}`, async ({ blobs }) => {
        const folder = findFolder(blobs, segments);
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
      return attempt(`remove ${key}`, async ({ blobs }) => remove(blobs, segments));
    },
    async check() {
      await attempt("check", async ({ incoming }) =>
        removeFile(await writeIncoming(incoming, new Uint8Array([1]), true)),
      );
    },
  };
}

interface Folders {
  readonly blobs: string;
  readonly incoming: string;
  readonly onDisk: FoldersOnDisk;
}

async function openFolders(directory: string): Promise<Folders> {
  const firstMade = await mkdir(directory, { recursive: true, mode: 0o700 });
  const root = await realpath(directory);
  const blobs = path.join(root, "blobs");
  const incoming = path.join(root, "incoming");
  makeFolder(blobs);
  makeFolder(incoming);
  await syncFolder(root);
  if (firstMade !== undefined) await syncNamesOfFolders(path.resolve(firstMade), path.resolve(directory));
  await removeLeftovers(incoming);
  return { blobs, incoming, onDisk: createFoldersOnDisk() };
}

async function syncNamesOfFolders(first: string, last: string): Promise<void> {
  for (let folder = last; ; folder = path.dirname(folder)) {
    await syncFolder(path.dirname(folder));
    if (folder.length <= first.length) return;
  }
}

/** Answers whether it was stored: false when the key is taken. */
async function put(
  { blobs, incoming, onDisk }: Folders,
  segments: readonly string[],
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  durable: boolean,
): Promise<boolean> {
  const parents = segments.slice(0, -1);
  const stored = !exists(blobs, segments) && (await add());
  // Also where somebody else has stored it: they may not have come so far, and never will after a crash.
  if (durable) await onDisk.sync(blobs, parents);
  return stored;

  async function add(): Promise<boolean> {
    const file = await writeIncoming(incoming, bytes, durable);
    try {
      for (;;) {
        const folder = makeFolders(blobs, parents);
        try {
          linkSync(file, path.join(folder, fileNameOf(segments)));
          return true;
        } catch (error) {
          if (codeOf(error) === "EEXIST") return false;
          if (codeOf(error) === "ENOENT" && isThere(file)) continue; // `remove` took the empty folder meanwhile
          throw error;
        }
      }
    } finally {
      removeFile(file);
    }
  }
}

function remove(blobs: string, segments: readonly string[]): void {
  const folder = findFolder(blobs, segments.slice(0, -1));
  if (folder === undefined) return;
  removeFile(path.join(folder, fileNameOf(segments)));
  for (let empty = folder; empty !== blobs; empty = path.dirname(empty)) {
    try {
      rmdirSync(empty);
    } catch {
      return; // others are in it, or somebody was faster
    }
  }
}

function exists(blobs: string, segments: readonly string[]): boolean {
  const folder = findFolder(blobs, segments.slice(0, -1));
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
