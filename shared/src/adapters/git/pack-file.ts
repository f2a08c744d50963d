import { chmodSync, closeSync, fdatasync, openSync, renameSync, rmSync, writeFile, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const write = promisify(writeFile);
const syncData = promisify(fdatasync);

/** As much is written at once: the kernel takes it faster than another thread. More may have to wait for the disk. */
const atOnceBytes = 256 * 1024;
const keptBytes = 64 * 1024;
const hashBytes = 20;

/** A pack that is on its way into a repository. */
export interface PackFile {
  /** Of what has come. */
  readonly sizeBytes: number;
  /** The first 64 KiB of it. */
  readonly begin: Buffer;
  /** @throws PackTooLarge; what the file system says. */
  add(piece: Buffer): void | Promise<void>;
  /** Nothing more comes. @returns its path until it is discarded. */
  close(): string;
  /** Nothing more comes: gives it the name that git would, once it is on the disk. @returns its path. */
  finish(): Promise<string>;
  /** Leaves nothing of it. */
  discard(): void;
}

export class PackTooLarge extends Error {
  override readonly name = "PackTooLarge";
}

/**
 * @param mostBytes More is not written.
 * @param sync Resolves once all of an open file is on the disk.
 */
export function createPackFile(
  gitDirectory: string,
  mostBytes: number,
  sync: (file: number) => Promise<void> = syncData,
): PackFile {
  const directory = join(gitDirectory, "objects", "pack");
  const arriving = join(directory, "arriving");
  const file = openSync(arriving, "w", 0o644);
  let written = [arriving];
  let isOpen = true;
  let sizeBytes = 0;
  let begin: Buffer = Buffer.alloc(0);
  let end: Buffer = Buffer.alloc(0);

  function close(): string {
    if (isOpen) closeSync(file);
    isOpen = false;
    return arriving;
  }

  return {
    get sizeBytes() {
      return sizeBytes;
    },
    get begin() {
      return begin;
    },
    add(piece) {
      sizeBytes += piece.length;
      if (sizeBytes > mostBytes) throw new PackTooLarge(`its pack is larger than ${mostBytes / 1024 / 1024} MiB`);
      if (begin.length < keptBytes) begin = Buffer.concat([begin, piece.subarray(0, keptBytes - begin.length)]);
      end = Buffer.concat([end, piece.subarray(-hashBytes)]).subarray(-hashBytes);
      if (sizeBytes > atOnceBytes) return write(file, piece);
      return writeFileSync(file, piece);
    },
    close,
    async finish() {
      // git syncs the packs that it writes, and of this one only the index.
      await sync(file);
      close();
      // A pack is named by its hash, which is its end.
      const path = join(directory, `pack-${end.toString("hex")}.pack`);
      renameSync(arriving, path);
      // What git writes beside it goes with it.
      written = ["pack", "idx", "rev"].map((kind) => path.replace(/pack$/, kind));
      // Whatever the umask of this process is.
      chmodSync(path, 0o444);
      return path;
    },
    discard() {
      close();
      for (const path of written) rmSync(path, { force: true });
    },
  };
}
