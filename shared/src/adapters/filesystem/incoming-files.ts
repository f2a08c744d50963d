import { randomBytes, randomUUID } from "node:crypto";
import { closeSync, fsync, openSync, writeFileSync } from "node:fs";
import { open, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { removeFile } from "./folders.ts";

/** Tells the files of this process from those of an earlier one that had the same pid, as in a restarted container. */
const incarnation = randomUUID();

/** The thread pool costs more than to write so little. */
const smallBytes = 64 << 10;

const syncFile = promisify(fsync);

/**
 * Writes bytes, as they arrive, to a new file in `directory`, and makes sure that they are on the disk, if that is wanted.
 * The file is the caller's to link and to remove; when writing fails nothing is left.
 */
export async function writeIncoming(
  directory: string,
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  durable: boolean,
): Promise<string> {
  const file = path.join(directory, `${process.pid}.${incarnation}.${randomBytes(8).toString("hex")}`);
  try {
    if (bytes instanceof Uint8Array && bytes.byteLength <= smallBytes) await writeSmall(file, bytes, durable);
    else await writeLarge(file, bytes, durable);
  } catch (error) {
    removeFile(file);
    throw error;
  }
  return file;
}

async function writeSmall(file: string, bytes: Uint8Array, durable: boolean): Promise<void> {
  const descriptor = openSync(file, "wx", 0o600);
  try {
    writeFileSync(descriptor, bytes);
    if (durable) await syncFile(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

async function writeLarge(
  file: string,
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  durable: boolean,
): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(bytes);
    if (durable) await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what processes that are gone left half-written. Safe beside other processes that write. */
export async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const [pid, itsIncarnation] = name.split(".");
    const isOurs = Number(pid) === process.pid;
    if (isOurs ? itsIncarnation === incarnation : isAlive(Number(pid))) continue;
    await rm(path.join(directory, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"; // another user's
  }
}
