import {
  chmodSync,
  closeSync,
  constants,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path/posix";
import type { Snapshot, SnapshotEntry } from "#shared/transform/snapshot.ts";
import { createTurns, readKnownFile } from "../known-file.ts";
import {
  hashEntry,
  hashFiles,
  pathIn,
  readFileTree,
  type FileFacts,
  type FileTree,
  type TreeLimits,
} from "./file-tree.ts";

/** A work tree as it was laid out, to be compared with. */
export interface LaidOut {
  readonly tree: FileTree;
  /** Of the content of its files, and of where its symbolic links lead. */
  readonly hashes: ReadonlyMap<string, string>;
  readonly atMs: number;
}

/** @returns undefined when its files are larger than `mostBytes` together. Nobody may work in it meanwhile. */
export async function readLaidOut(directory: string, tree: FileTree, mostBytes: number): Promise<LaidOut | undefined> {
  const hashes = await hashFiles(directory, tree, mostBytes);
  const atMs = [...tree.values()].reduce((newest, { modifiedAtMs }) => Math.max(newest, modifiedAtMs), 0);
  return hashes && { tree, hashes, atMs };
}

/** More is not compared. */
export const comparedTree: TreeLimits = { entries: 100_000, pathBytes: 16 << 20 };

/** What an entry of a snapshot takes besides, and how much a character of its path or target may take, escaped. */
const entryBytes = 100;
const escapedBytes = 6;

/**
 * How a work tree differs from what it was, or undefined where that cannot be kept truly: it is too large, or has hard
 * links, sockets and the like. Nobody may work in it meanwhile.
 */
export async function takeSnapshot(
  directory: string,
  before: LaidOut,
  largestBytes: number,
): Promise<Snapshot | undefined> {
  const now = await readFileTree(directory, comparedTree);
  if (now === undefined) return undefined;
  const changed: (readonly [string, FileFacts])[] = [];
  const turn = createTurns();
  for (const [path, facts] of now) {
    const was = before.hashes.get(path);
    const isSame =
      looksSame(before.tree.get(path), facts) &&
      (was === undefined || was === (await hashEntry(pathIn(directory, path), facts)));
    if (!isSame) changed.push([path, facts]);
    await turn(facts.sizeBytes);
  }
  const deleted = [...before.tree.keys()].filter((path) => !now.has(path));
  const keptBytes = [...deleted.map((path) => escapedBytes * path.length), ...changed.map(bytesToKeep)];
  if (keptBytes.reduce((sum, bytes) => sum + bytes, 0) > largestBytes || changed.some(([, facts]) => isOdd(facts)))
    return undefined;
  const entries: SnapshotEntry[] = [];
  for (const [path, facts] of changed) {
    entries.push(await readEntry(directory, path, facts));
    await turn(facts.sizeBytes);
  }
  return { laidOutAtMs: before.atMs, deleted, entries };
}

function bytesToKeep([path, { kind, sizeBytes }]: readonly [string, FileFacts]): number {
  const targetBytes = kind === "symlink" ? escapedBytes * sizeBytes : 0;
  return entryBytes + escapedBytes * path.length + targetBytes + (kind === "file" ? sizeBytes : 0);
}

/** Makes a work tree, as it was laid out at first, what the snapshot says. Nobody may work in it meanwhile. */
export async function restoreSnapshot(
  directory: string,
  { deleted, entries, laidOutAtMs }: Snapshot,
  owner: number | undefined,
): Promise<void> {
  const turn = createTurns();
  const remove = async (path: string): Promise<void> => {
    const target = pathIn(directory, path);
    const kind = kindOf(target);
    if (kind === "directory") await rm(target, { recursive: true });
    if (kind === "other") unlinkSync(target);
  };
  for (const path of deleted) {
    if (isInRealDirectory(directory, path)) await remove(path);
    await turn();
  }
  for (const entry of entries) {
    const { path } = entry;
    const target = pathIn(directory, path);
    if (!isInRealDirectory(directory, path)) throw new Error(`the snapshot leads out of the work tree: ${path}`);
    if (entry.kind === "directory") {
      if (kindOf(target) !== "directory") {
        await remove(path);
        mkdirSync(target);
      }
    } else {
      await remove(path);
      if (entry.kind === "symlink") symlinkSync(Buffer.from(entry.target, "latin1"), target);
      else writeNew(target, entry);
    }
    if (owner !== undefined) lchownSync(target, owner, owner);
    await turn(entry.kind === "file" ? entry.content.byteLength : 0);
  }
  // At last and from below, since writing in a directory changes its time, and it may be one that nobody can write in.
  const timeOf = timesAnew(entries, laidOutAtMs, Date.now());
  for (const entry of entries.toReversed()) {
    const target = pathIn(directory, entry.path);
    if (entry.kind !== "symlink") chmodSync(target, entry.mode);
    lutimesSync(target, timeOf(entry) / 1000, timeOf(entry) / 1000);
    await turn();
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
  if (before.modifiedAtMs !== now.modifiedAtMs) return false;
  if (now.kind === "directory") return true;
  if (before.inode !== now.inode || before.changedAtNs !== now.changedAtNs) return false;
  return before.sizeBytes === now.sizeBytes && before.links === now.links;
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
    const target = readlinkSync(source, { encoding: "buffer" }).toString("latin1");
    return { kind, path, modifiedAtMs, target };
  }
  return { kind: "file", path, modifiedAtMs, mode, content: await readKnownFile(source, facts.sizeBytes) };
}

function writeNew(target: string | Buffer, { content }: Extract<SnapshotEntry, { kind: "file" }>): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = openSync(target, flags, 0o600);
  try {
    writeFileSync(file, content);
  } finally {
    closeSync(file);
  }
}

/** Whether no symbolic link is on the way to it. */
function isInRealDirectory(directory: string, path: string): boolean {
  for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
    if (kindOf(pathIn(directory, parent)) !== "directory") return false;
  }
  return true;
}

/** Of what is there, without following a link. */
function kindOf(path: string | Buffer): "directory" | "other" | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return found.isDirectory() ? "directory" : "other";
}
