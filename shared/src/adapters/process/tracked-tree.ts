import { chmodSync, lstatSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { isEmptySnapshot, type Snapshot } from "#shared/transform/snapshot.ts";
import { largestCachedBytes } from "#shared/transform/step-cache.ts";
import { readFileTree, type FileTree } from "./file-tree.ts";
import { comparedTree, readLaidOut, restoreSnapshot, takeSnapshot } from "./work-tree-snapshot.ts";

/** Tells how a work tree that was just laid out differs from that later on. */
export interface TrackedTree {
  /** What differs now; undefined where it cannot be kept truly, or need not be. Nobody may work in it meanwhile. */
  readonly snapshot: () => Promise<Snapshot | undefined>;
}

/** Larger repositories are not compared after each step, so what their steps did is not kept. */
const comparedBytes = 64 << 20;

/** The kernel tells times of change apart when so much lies between them: a tick of its slowest clock, and half of one. */
const tickMs = 15;

/** Takes over a work tree that was just laid out. */
export async function trackTree(options: {
  readonly directory: string;
  /** Whose all of it becomes; undefined: whose it is. */
  readonly owner?: number | undefined;
  /** What earlier steps changed, in place of running them. */
  readonly after: Snapshot;
  /** Whether snapshots are wanted. */
  readonly keeps: boolean;
  /** A file to make on the same file system, out of sight, to ask its clock; undefined: it is given time enough. */
  readonly clockFile?: string | undefined;
}): Promise<TrackedTree> {
  const { directory, owner, after, keeps, clockFile } = options;
  const tree = keeps || owner !== undefined ? await readFileTree(directory, comparedTree, owner) : undefined;
  const laidOut = keeps && tree !== undefined ? await readLaidOut(directory, tree, comparedBytes) : undefined;
  if (!isEmptySnapshot(after)) {
    await pause(tickMs);
    await restoreSnapshot(directory, after, owner);
  } else if (laidOut !== undefined) {
    await (clockFile === undefined ? pause(tickMs) : untilChangesAreLater(clockFile, laidOut.tree));
  }
  return {
    async snapshot() {
      // A step can make what even its owner may not read.
      return laidOut && takeSnapshot(directory, laidOut, largestCachedBytes / 2).catch(() => undefined);
    },
  };
}

/** Until what changes on the file system is dated later than all of the tree: a few milliseconds, unless somebody set the clock. */
async function untilChangesAreLater(clockFile: string, tree: FileTree): Promise<void> {
  let newestNs = 0n;
  for (const { changedAtNs } of tree.values()) if (changedAtNs > newestNs) newestNs = changedAtNs;
  writeFileSync(clockFile, "");
  for (let waitedMs = 0; waitedMs < tickMs; waitedMs += 1) {
    chmodSync(clockFile, 0o600); // dates it anew
    if (lstatSync(clockFile, { bigint: true }).ctimeNs > newestNs) return;
    await pause(1);
  }
}
