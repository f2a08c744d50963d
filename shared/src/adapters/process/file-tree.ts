import { lchownSync, lstatSync, readdirSync } from "node:fs";
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

/**
 * Looks at everything below a directory that nobody else works in now. Symbolic links are not followed.
 *
 * @param owner Gives it all to this user and group first.
 */
export async function readFileTree(directory: string, owner?: number): Promise<FileTree> {
  const tree = new Map<string, FileFacts>();
  const directories = [""];
  const turn = createTurns();
  if (owner !== undefined) lchownSync(directory, owner, owner);
  for (const parent of directories) {
    for (const name of readdirSync(pathIn(directory, parent), "latin1")) {
      const path = parent === "" ? name : `${parent}/${name}`;
      const place = pathIn(directory, path);
      if (owner !== undefined) lchownSync(place, owner, owner);
      const facts = factsOf(place);
      tree.set(path, facts);
      if (facts.kind === "directory") directories.push(path);
      await turn();
    }
  }
  return tree;
}

/**
 * What the files of a tree hold, as hashes; undefined when that is more than `mostBytes`. On tmpfs a file that is written by
 * way of a memory mapping keeps its times, so times alone do not tell.
 */
export async function hashFiles(
  directory: string,
  tree: FileTree,
  mostBytes: number,
): Promise<ReadonlyMap<string, string> | undefined> {
  const hashes = new Map<string, string>();
  const turn = createTurns();
  let bytes = 0;
  for (const [path, { kind, sizeBytes }] of tree) {
    if (kind !== "file") continue;
    bytes += sizeBytes;
    if (bytes > mostBytes) return undefined;
    hashes.set(path, await hashKnownFile(pathIn(directory, path), sizeBytes));
    await turn(sizeBytes);
  }
  return hashes;
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
