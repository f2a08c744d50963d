import { constants } from "node:fs";
import { chmod, lchown, lstat, lutimes, mkdir, open, readlink, rm, symlink } from "node:fs/promises";
import { dirname } from "node:path/posix";
import type { Snapshot, SnapshotEntry } from "#shared/transform/snapshot.ts";
import { hashFile, hashFiles, pathIn, readFileTree, type FileFacts, type FileTree } from "./file-tree.ts";

/** A work tree as it was laid out, to be compared with. */
export interface LaidOut {
  readonly tree: FileTree;
  /** Of the content of its files. */
  readonly hashes: ReadonlyMap<string, string>;
  readonly atMs: number;
}

/** @returns undefined when its files are larger than `mostBytes` together. Nobody may work in it meanwhile. */
export async function readLaidOut(directory: string, tree: FileTree, mostBytes: number): Promise<LaidOut | undefined> {
  const hashes = await hashFiles(directory, tree, mostBytes);
  const atMs = [...tree.values()].reduce((newest, { modifiedAtMs }) => Math.max(newest, modifiedAtMs), 0);
  return hashes && { tree, hashes, atMs };
}

/** More entries are not looked at. */
const mostEntries = 100_000;

/**
 * How a work tree differs from what it was, or undefined where that cannot be kept truly: it is too large, or has hard
 * links, sockets and the like. Nobody may work in it meanwhile.
 */
export async function takeSnapshot(
  directory: string,
  before: LaidOut,
  largestBytes: number,
): Promise<Snapshot | undefined> {
  const now = await readFileTree(directory);
  if (now.size > mostEntries) return undefined;
  const changed: (readonly [string, FileFacts])[] = [];
  for (const [path, facts] of now) {
    const was = before.hashes.get(path);
    const isSame =
      looksSame(before.tree.get(path), facts) &&
      (was === undefined || was === (await hashFile(pathIn(directory, path))));
    if (!isSame) changed.push([path, facts]);
  }
  const contentBytes = changed.reduce((sum, [, { kind, sizeBytes }]) => sum + (kind === "file" ? sizeBytes : 0), 0);
  if (contentBytes > largestBytes || changed.some(([, facts]) => isOdd(facts))) return undefined;
  const entries: SnapshotEntry[] = [];
  for (const [path, facts] of changed) entries.push(await readEntry(directory, path, facts));
  const deleted = [...before.tree.keys()].filter((path) => !now.has(path));
  return { laidOutAtMs: before.atMs, deleted, entries };
}

/** Makes a work tree, as it was laid out at first, what the snapshot says. Nobody may work in it meanwhile. */
export async function restoreSnapshot(
  directory: string,
  { deleted, entries, laidOutAtMs }: Snapshot,
  owner: number | undefined,
): Promise<void> {
  const remove = (path: string): Promise<void> => rm(pathIn(directory, path), { recursive: true, force: true });
  for (const path of deleted) {
    if (await isInRealDirectory(directory, path)) await remove(path);
  }
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
    } else {
      await remove(path);
      await (entry.kind === "symlink" ? symlink(Buffer.from(entry.target, "latin1"), target) : writeNew(target, entry));
    }
    if (owner !== undefined) await lchown(target, owner, owner);
  }
  // At last and from below, since writing in a directory changes its time, and it may be one that nobody can write in.
  const timeOf = timesAnew(entries, laidOutAtMs, Date.now());
  for (const entry of entries.toReversed()) {
    const target = pathIn(directory, entry.path);
    if (entry.kind !== "symlink") await chmod(target, entry.mode);
    await lutimes(target, timeOf(entry) / 1000, timeOf(entry) / 1000);
  }
}

/** Within this time before now, restored files get theirs; what was laid out is older. */
const restoredWithinMs = 10;

/**
 * The times of what is restored: in the order that they had, and after what is laid out. What a program dated before that,
 * stays as it was.
 */
function timesAnew(
  entries: readonly SnapshotEntry[],
  laidOutAtMs: number,
  nowMs: number,
): (entry: SnapshotEntry) => number {
  const later = entries.map(({ modifiedAtMs }) => modifiedAtMs).filter((at) => at > laidOutAtMs);
  const order = [...new Set(later)].toSorted((a, b) => a - b);
  const places = new Map(order.map((at, index) => [at, (index + 1) / order.length]));
  return ({ modifiedAtMs }) => {
    const place = places.get(modifiedAtMs);
    return place === undefined ? modifiedAtMs : nowMs - restoredWithinMs * (1 - place);
  };
}

function looksSame(before: FileFacts | undefined, now: FileFacts): boolean {
  if (before === undefined || before.kind !== now.kind || before.mode !== now.mode) return false;
  if (now.kind === "directory") return before.modifiedAtMs === now.modifiedAtMs;
  return before.inode === now.inode && before.changedAtNs === now.changedAtNs && before.sizeBytes === now.sizeBytes;
}

/** Hard links, special files, and modes that change whom a program runs as. */
function isOdd({ kind, links, mode }: FileFacts): boolean {
  return kind === "special" || (kind === "file" && (links > 1 || mode > 0o777));
}

async function readEntry(directory: string, path: string, facts: FileFacts): Promise<SnapshotEntry> {
  const { kind, mode, modifiedAtMs } = facts;
  const source = pathIn(directory, path);
  if (kind === "directory") return { kind, path, modifiedAtMs, mode };
  if (kind === "symlink") {
    const target = (await readlink(source, { encoding: "buffer" })).toString("latin1");
    return { kind, path, modifiedAtMs, target };
  }
  const file = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return { kind: "file", path, modifiedAtMs, mode, content: await file.readFile() };
  } finally {
    await file.close();
  }
}

async function writeNew(target: Buffer, { content }: Extract<SnapshotEntry, { kind: "file" }>): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(target, flags, 0o600);
  try {
    await file.writeFile(content);
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
