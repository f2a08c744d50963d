import { hash } from "node:crypto";
import { lchownSync, lstatSync, opendirSync, readlinkSync } from "node:fs";
import { createTurns, hashKnownFile } from "../known-file.ts";

/** What is known of a file without reading it. The kernel alone sets `changedAtNs`, at every change. */
export interface FileFacts {
  readonly kind: "directory" | "file" | "symlink" | "special";
  /** Permissions, with the bits for set-user-id and the like. */
  readonly mode: number;
  readonly sizeBytes: number;
  readonly links: number;
  readonly inode: bigint;
  readonly changedAtNs: bigint;
  /** Programs may set it to anything. */
  readonly modifiedAtMs: number;
}

/** Every path below a directory, parents first; each character is one byte. */
export type FileTree = ReadonlyMap<string, FileFacts>;

/** How much of a tree is kept in mind: more than that is too much. */
export interface TreeLimits {
  readonly entries: number;
  /** Of all paths together. */
  readonly pathBytes: number;
}

/**
 * Looks at everything below a directory that nobody else works in now. Symbolic links are not followed.
 *
 * @param owner Gives it all to this user and group first.
 * @returns undefined when it is too much.
 */
export async function readFileTree(
  directory: string,
  limits: TreeLimits,
  owner?: number,
): Promise<FileTree | undefined> {
  const tree = new Map<string, FileFacts>();
  const directories = [""];
  const turn = createTurns();
  let pathBytes = 0;
  let isTooMuch = false;
  if (owner !== undefined) lchownSync(directory, owner, owner);
  for (const parent of directories) {
    for (const name of namesIn(pathIn(directory, parent))) {
      const path = parent === "" ? name : `${parent}/${name}`;
      const place = pathIn(directory, path);
      if (owner !== undefined) lchownSync(place, owner, owner);
      const facts = factsOf(place);
      if (facts.kind === "directory") directories.push(path);
      pathBytes += path.length;
      isTooMuch ||= tree.size === limits.entries || pathBytes > limits.pathBytes;
      if (!isTooMuch) tree.set(path, facts);
      else if (owner === undefined) return undefined;
      await turn();
    }
  }
  return isTooMuch ? undefined : tree;
}

/** Piece by piece: a step may have made a million files in one directory. */
function* namesIn(directory: string | Buffer): Generator<string> {
  const open = opendirSync(directory, { encoding: "latin1" });
  try {
    for (let entry = open.readSync(); entry !== null; entry = open.readSync()) yield entry.name;
  } finally {
    open.closeSync();
  }
}

/**
 * What the files of a tree hold, and where its links lead, as hashes; undefined when that is more than `mostBytes`. On tmpfs a
 * file that is written by way of a memory mapping keeps its times, and an inode may be used again, so facts alone do not tell.
 */
export async function hashFiles(
  directory: string,
  tree: FileTree,
  mostBytes: number,
): Promise<ReadonlyMap<string, string> | undefined> {
  const hashes = new Map<string, string>();
  const turn = createTurns();
  let bytes = 0;
  for (const [path, facts] of tree) {
    if (facts.kind !== "file" && facts.kind !== "symlink") continue;
    bytes += facts.sizeBytes;
    if (bytes > mostBytes) return undefined;
    hashes.set(path, await hashEntry(pathIn(directory, path), facts));
    await turn(facts.sizeBytes);
  }
  return hashes;
}

/** Of a file what it holds, of a symbolic link where it leads. */
export async function hashEntry(
  path: string | Buffer,
  { kind, sizeBytes }: Pick<FileFacts, "kind" | "sizeBytes">,
): Promise<string> {
  if (kind === "symlink") return hash("sha1", readlinkSync(path, "buffer"));
  return hashKnownFile(path, sizeBytes);
}

/** A path below a directory, in the bytes that the file system has. */
export function pathIn(directory: string, path: string): string | Buffer {
  const whole = path === "" ? directory : `${directory}/${path}`;
  // As text where it is plain ASCII, since that is much faster.
  if (Buffer.byteLength(path) === path.length) return whole;
  return Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, "latin1")]);
}

function factsOf(path: string | Buffer): FileFacts {
  const stat = lstatSync(path, { bigint: true });
  return {
    kind: stat.isDirectory() ? "directory" : stat.isFile() ? "file" : stat.isSymbolicLink() ? "symlink" : "special",
    mode: Number(stat.mode & 0o7777n),
    sizeBytes: Number(stat.size),
    links: Number(stat.nlink),
    inode: stat.ino,
    changedAtNs: stat.ctimeNs,
    modifiedAtMs: Number(stat.mtimeNs) / 1e6,
  };
}
