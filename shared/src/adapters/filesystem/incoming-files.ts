import { randomBytes, randomUUID } from "node:crypto";
import { open, readdir, rm } from "node:fs/promises";
import path from "node:path";

/** Tells the files of this process from those of an earlier one that had the same pid, as in a restarted container. */
const incarnation = randomUUID();

/**
 * Writes bytes, as they arrive, to a new file in `directory` and makes sure that they are on the disk. The file is the
 * caller's to link and to remove; when writing fails nothing is left.
 */
export async function writeIncoming(directory: string, bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
  const file = path.join(directory, `${process.pid}.${incarnation}.${randomBytes(8).toString("hex")}`);
  try {
    const handle = await open(file, "wx", 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
  return file;
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
