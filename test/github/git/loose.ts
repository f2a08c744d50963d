import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { inflateSync } from "node:zlib";
import type { GitObject } from "./cat-file.ts";
import { isRefName, RefsMoved, zeroOid, type RefMove } from "./git-repository.ts";
import type { ObjectType } from "./objects.ts";

/** An object in a file of its own, read without git; undefined when it is packed, borrowed or not there. */
export function readLooseObject(directory: string, oid: string): GitObject | undefined {
  const file = contentOf(join(directory, "objects", oid.slice(0, 2), oid.slice(2)));
  if (file === undefined) return undefined;
  const bytes = inflateSync(file);
  const end = bytes.indexOf(0);
  // Git writes one of its four types, a blank and the size.
  const [type = "blob"] = bytes.toString("latin1", 0, end).split(" ");
  return { oid, type: type as ObjectType, content: bytes.subarray(end + 1) };
}

/** A ref in a file of its own, read without git; undefined when it is packed, symbolic or not there. */
export function readLooseRef(directory: string, name: string): string | undefined {
  if (!isRefName(name)) return undefined;
  const text = contentOf(join(directory, name))?.toString("utf8") ?? "";
  return /^[0-9a-f]{40}$/.exec(text.trim())?.[0];
}

/** Whether there certainly is no ref of that name: no file, and nothing is packed. */
export function isMissingRef(directory: string, name: string): boolean {
  return !existsSync(join(directory, name)) && !existsSync(join(directory, "packed-refs"));
}

/**
 * Moves refs that are files of their own, all or none, without git. Answers false, having done nothing, when that takes
 * more than writing files: packed refs, or names that clash with folders. The repository's lock is held.
 * @throws RefsMoved when one is not where it should be
 */
export function moveLooseRefs(directory: string, moves: readonly RefMove[]): boolean {
  if (existsSync(join(directory, "packed-refs"))) return false;
  if (!moves.every(({ name }) => isRefName(name) && isFree(directory, name))) return false;
  for (const { name, before } of moves) {
    const now = readLooseRef(directory, name) ?? zeroOid;
    if (before !== undefined && before !== now) throw new RefsMoved(`${name} is at ${now} but expected ${before}`);
  }
  for (const { name, after } of moves) {
    const path = join(directory, name);
    if (after === zeroOid) {
      rmSync(path, { force: true });
      continue;
    }
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.lock`, `${after}\n`);
    renameSync(`${path}.lock`, path);
  }
  return true;
}

/** Whether a ref of that name is a file or can become one: no part of its path is a ref, and it is no folder. */
function isFree(directory: string, name: string): boolean {
  const parts = name.split("/");
  const isFolder = (path: string): boolean | undefined => statSync(path, { throwIfNoEntry: false })?.isDirectory();
  const above = parts.slice(0, -1).map((_, index) => isFolder(join(directory, ...parts.slice(0, index + 1))));
  return !above.includes(false) && isFolder(join(directory, name)) !== true;
}

function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    // Not there, or a folder: git itself will know.
    return undefined;
  }
}
