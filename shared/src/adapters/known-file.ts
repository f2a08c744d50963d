import { hash } from "node:crypto";
import { closeSync, constants, openSync, read, readSync } from "node:fs";
import { promisify } from "node:util";

/** The thread pool costs more than to read so little; more is read there, so that nobody has to wait for it. */
const smallBytes = 1 << 20;

/** Where small files are read to that nobody wants to keep. */
const scratch = Buffer.allocUnsafeSlow(smallBytes + 1);

const readInPool = promisify(read);

/** The file is not what it was when its size was asked for. */
export class FileChanged extends Error {
  override readonly name = "FileChanged";
}

/**
 * What a file holds whose size is known, and that nobody writes to now. Whatever has taken its place meanwhile, a link is not
 * followed, a FIFO not waited for, and no more is read than was to be expected.
 *
 * @throws FileChanged when it has another size by now.
 */
export async function readKnownFile(path: string | Buffer, sizeBytes: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes + 1);
  if (sizeBytes <= smallBytes) fillNow(path, bytes, sizeBytes);
  else await fillInPool(path, bytes, sizeBytes);
  return bytes.subarray(0, sizeBytes);
}

/** The SHA-1 of what {@link readKnownFile} would answer, in hex. @throws FileChanged as that does. */
export async function hashKnownFile(path: string | Buffer, sizeBytes: number): Promise<string> {
  if (sizeBytes > smallBytes) return hash("sha1", await readKnownFile(path, sizeBytes));
  fillNow(path, scratch, sizeBytes);
  return hash("sha1", scratch.subarray(0, sizeBytes));
}

function fillNow(path: string | Buffer, bytes: Buffer, sizeBytes: number): void {
  const file = open(path);
  try {
    let length = 0;
    for (;;) {
      const count = readSync(file, bytes, length, wanted(length, sizeBytes), null);
      length += count;
      if (isDone(path, count, length, sizeBytes)) return;
    }
  } finally {
    closeSync(file);
  }
}

async function fillInPool(path: string | Buffer, bytes: Buffer, sizeBytes: number): Promise<void> {
  const file = open(path);
  try {
    let length = 0;
    for (;;) {
      const { bytesRead } = await readInPool(file, bytes, length, wanted(length, sizeBytes), null);
      length += bytesRead;
      if (isDone(path, bytesRead, length, sizeBytes)) return;
    }
  } finally {
    closeSync(file);
  }
}

function open(path: string | Buffer): number {
  return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

/** One byte more than there should be: by that, a file that has grown shows itself. */
function wanted(length: number, sizeBytes: number): number {
  return sizeBytes + 1 - length;
}

function isDone(path: string | Buffer, count: number, length: number, sizeBytes: number): boolean {
  if (length > sizeBytes || (count === 0 && length < sizeBytes)) {
    throw new FileChanged(`${path.toString()} changed while it was read`);
  }
  return length === sizeBytes;
}

/** Synchronous work of so much in a row lets others wait for some milliseconds. */
const turnBytes = 4 << 20;
/** What a call costs beside the bytes that it moves. */
const callBytes = 8 << 10;

/**
 * For loops of synchronous calls, which are many times faster than the thread pool: called with what was just read or
 * written, it lets others have their turn now and then.
 */
export function createTurns(): (sizeBytes?: number) => Promise<void> | undefined {
  let done = 0;
  return (sizeBytes = 0) => {
    done += sizeBytes + callBytes;
    if (done < turnBytes) return undefined;
    done = 0;
    return new Promise((resolve) => setImmediate(resolve));
  };
}
