import { constants } from "node:fs";
import { link, mkdir, open, readdir, realpath, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import { BlobNotFound, BlobStoreUnavailable, InvalidBlobKey, type BlobStore } from "../../ports/blob-store.ts";
import { segmentsOfKey, segmentsOfPrefix } from "../blob-key.ts";
import { codeOf, findFolder, isThere, makeFolder, makeFolders, syncFolder } from "./folders.ts";
import { removeLeftovers, writeIncoming } from "./incoming-files.ts";

/** Begins the name of a blob's file. No key has it, so the blob `a` and the folder of the blob `a/b` can both be. */
const blobMark = "=";

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
      return attempt(`put ${key}`, (folders) => put(folders, segments, bytes));
    },
    async get(key) {
      const segments = segmentsOfKey(key);
      return attempt(`get ${key}`, async ({ blobs }) => {
        const bytes = await read(blobs, segments);
        if (bytes === undefined) throw new BlobNotFound(key);
        return bytes;
      });
    },
    async list(prefix) {
      const segments = segmentsOfPrefix(prefix);
      return attempt(`list ${prefix}`, async ({ blobs }) => {
        const folder = await findFolder(blobs, segments);
        return folder === undefined ? [] : (await listBelow(folder, prefix)).sort();
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

async function put(folders: Folders, segments: readonly string[], bytes: Uint8Array): Promise<{ stored: boolean }> {
  if (await exists(folders.blobs, segments)) return { stored: false };
  const file = await writeIncoming(folders.incoming, bytes);
  try {
    for (;;) {
      const folder = await makeFolders(folders.blobs, segments.slice(0, -1));
      try {
        await link(file, path.join(folder, nameOf(segments)));
      } catch (error) {
        if (codeOf(error) === "EEXIST") return { stored: false };
        if (codeOf(error) === "ENOENT" && (await isThere(file))) continue; // `remove` took the empty folder meanwhile
        throw error;
      }
      await syncFolder(folder);
      return { stored: true };
    }
  } finally {
    await rm(file, { force: true });
  }
}

async function read(blobs: string, segments: readonly string[]): Promise<Uint8Array | undefined> {
  const folder = await findFolder(blobs, segments.slice(0, -1));
  if (folder === undefined) return undefined;
  try {
    const handle = await open(path.join(folder, nameOf(segments)), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { buffer, byteOffset, byteLength } = await handle.readFile();
      return new Uint8Array(buffer, byteOffset, byteLength);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function listBelow(folder: string, prefix: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return []; // removed meanwhile
    throw error;
  });
  const keys: string[] = [];
  for (const entry of entries) {
    if (entry.isDirectory()) keys.push(...(await listBelow(path.join(folder, entry.name), `${prefix}${entry.name}/`)));
    else if (entry.isFile() && entry.name.startsWith(blobMark))
      keys.push(`${prefix}${entry.name.slice(blobMark.length)}`);
  }
  return keys;
}

async function remove(blobs: string, segments: readonly string[]): Promise<void> {
  const folder = await findFolder(blobs, segments.slice(0, -1));
  if (folder === undefined) return;
  await rm(path.join(folder, nameOf(segments)), { force: true });
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
  return folder !== undefined && isThere(path.join(folder, nameOf(segments)));
}

function nameOf(segments: readonly string[]): string {
  return `${blobMark}${segments.at(-1) ?? ""}`;
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
