import { constants } from "node:fs";
import { chmod, lchown, lstat, mkdir, open, readlink, rm, symlink } from "node:fs/promises";
import { dirname } from "node:path/posix";
import type { Snapshot, SnapshotEntry } from "#shared/transform/snapshot.ts";
import { pathIn, readFileTree, type FileFacts, type FileTree } from "./file-tree.ts";

/**
 * How a work tree differs from what it was, or undefined where that cannot be kept truly: it is too large, or has hard
 * links, sockets and the like. Nobody may work in it meanwhile.
 */
export async function takeSnapshot(
  directory: string,
  before: FileTree,
  largestBytes: number,
): Promise<Snapshot | undefined> {
  const now = await readFileTree(directory);
  const changed = [...now].filter(([path, facts]) => !isSame(before.get(path), facts));
  const contentBytes = changed.reduce((sum, [, { kind, sizeBytes }]) => sum + (kind === "file" ? sizeBytes : 0), 0);
  const isOdd = ([, { kind, links, mode }]: readonly [string, FileFacts]): boolean =>
    kind === "special" || (kind === "file" && (links > 1 || mode > 0o777));
  if (contentBytes > largestBytes || changed.some(isOdd)) return undefined;
  const entries: SnapshotEntry[] = [];
  for (const [path, facts] of changed) entries.push(await readEntry(directory, path, facts));
  return { deleted: [...before.keys()].filter((path) => !now.has(path)), entries };
}

/** Makes a work tree, as it was laid out at first, what the snapshot says. Nobody may work in it meanwhile. */
export async function restoreSnapshot(
  directory: string,
  { deleted, entries }: Snapshot,
  owner: number | undefined,
): Promise<void> {
  const remove = (path: string): Promise<void> => rm(pathIn(directory, path), { recursive: true, force: true });
  for (const path of deleted) {
    if (await isInRealDirectory(directory, path)) await remove(path);
  }
  const closed: Extract<SnapshotEntry, { kind: "directory" }>[] = [];
  for (const entry of entries) {
    const { path } = entry;
    const target = pathIn(directory, path);
    if (!(await isInRealDirectory(directory, path)))
      throw new Error(`the snapshot leads out of the work tree: ${path}`);
    if (entry.kind === "directory") {
      const isThere = (await lstat(target).catch(() => undefined))?.isDirectory() === true;
      if (!isThere) {
        await remove(path);
        await mkdir(target);
      }
      closed.push(entry);
    } else {
      await remove(path);
      await (entry.kind === "symlink" ? symlink(Buffer.from(entry.target, "latin1"), target) : writeNew(target, entry));
    }
    if (owner !== undefined) await lchown(target, owner, owner);
  }
  // At last, since a directory may be one that nobody can write in.
  for (const { path, mode } of closed.toReversed()) await chmod(pathIn(directory, path), mode);
}

function isSame(before: FileFacts | undefined, now: FileFacts): boolean {
  if (before === undefined || before.kind !== now.kind || before.mode !== now.mode) return false;
  if (now.kind === "directory") return true;
  return before.inode === now.inode && before.changedAtNs === now.changedAtNs && before.sizeBytes === now.sizeBytes;
}

async function readEntry(directory: string, path: string, { kind, mode }: FileFacts): Promise<SnapshotEntry> {
  const source = pathIn(directory, path);
  if (kind === "directory") return { kind, path, mode };
  if (kind === "symlink") {
    return { kind, path, target: (await readlink(source, { encoding: "buffer" })).toString("latin1") };
  }
  const file = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return { kind: "file", path, mode, content: await file.readFile() };
  } finally {
    await file.close();
  }
}

async function writeNew(target: Buffer, { content, mode }: Extract<SnapshotEntry, { kind: "file" }>): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(target, flags, 0o600);
  try {
    await file.writeFile(content);
    await file.chmod(mode);
  } finally {
    await file.close();
  }
}

/** Whether no symbolic link is on the way to it. */
async function isInRealDirectory(directory: string, path: string): Promise<boolean> {
  for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
    const found = await lstat(pathIn(directory, parent)).catch(() => undefined);
    if (found?.isDirectory() !== true) return false;
  }
  return true;
}
