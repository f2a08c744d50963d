import { lchownSync, lstatSync, readdirSync } from "node:fs";

/** What is known of a file without reading it. The kernel alone sets `changedAtNs`, at every change. */
export interface FileFacts {
  readonly kind: "directory" | "file" | "symlink" | "special";
  /** Permissions, with the bits for set-user-id and the like. */
  readonly mode: number;
  readonly sizeBytes: number;
  readonly links: number;
  readonly inode: bigint;
  readonly changedAtNs: bigint;
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
  const unread = [""];
  if (owner !== undefined) lchownSync(directory, owner, owner);
  for (let parent = unread.shift(); parent !== undefined; parent = unread.shift()) {
    // Synchronous calls are many times faster; between directories others have their turn.
    for (const name of readdirSync(pathIn(directory, parent), { encoding: "buffer" })) {
      const path = parent === "" ? name.toString("latin1") : `${parent}/${name.toString("latin1")}`;
      const place = pathIn(directory, path);
      if (owner !== undefined) lchownSync(place, owner, owner);
      const facts = factsOf(place);
      tree.set(path, facts);
      if (facts.kind === "directory") unread.push(path);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return tree;
}

/** A path below a directory, in the bytes that the file system has. */
export function pathIn(directory: string, path: string): Buffer {
  return path === ""
    ? Buffer.from(directory)
    : Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, "latin1")]);
}

function factsOf(path: Buffer): FileFacts {
  const stat = lstatSync(path, { bigint: true });
  return {
    kind: stat.isDirectory() ? "directory" : stat.isFile() ? "file" : stat.isSymbolicLink() ? "symlink" : "special",
    mode: Number(stat.mode & 0o7777n),
    sizeBytes: Number(stat.size),
    links: Number(stat.nlink),
    inode: stat.ino,
    changedAtNs: stat.ctimeNs,
  };
}
