import { mkdirSync } from "node:fs";

/**
 * Makes a directory, unless it is there; the one above it has to be. Below `/proc/PID/root` this is the only way: when that
 * process ends, Node's `recursive` looks for a parent that it could make for ever.
 *
 * @returns whether it was made.
 */
export function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    // Node's file system errors carry a code.
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
