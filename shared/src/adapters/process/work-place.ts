import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import { isEmptySnapshot, type Snapshot } from "#shared/transform/snapshot.ts";
import { largestCachedBytes } from "#shared/transform/step-cache.ts";
import { openWorkspace, type Workspace } from "../git/workspace.ts";
import { readFileTree } from "./file-tree.ts";
import { objectsInside, type StepPlace } from "./launch-step.ts";
import { runCommand } from "./run-command.ts";
import { readLaidOut, restoreSnapshot, takeSnapshot } from "./work-tree-snapshot.ts";

/** Where the steps of one transform run, with the repository laid out in it. */
export interface WorkPlace {
  readonly place: StepPlace;
  readonly workspace: Workspace;
  /** What differs from the base now; undefined where it cannot be kept truly, or need not be. */
  snapshot(): Promise<Snapshot | undefined>;
}

/** Larger repositories are not compared after each step, so what their steps did is not kept. */
const comparedBytes = 64 << 20;

/** The kernel tells times of change apart when so much lies between them: a tick of its slowest clock, and half of one. */
const tickMs = 15;

/** @throws TransformFailed when the base cannot be laid out. */
export async function openWorkPlace(options: {
  readonly job: Pick<TransformJob, "source" | "workspace">;
  readonly place: StepPlace;
  readonly gitDirectory: string;
  /** What the steps see of the base, see `treeToShow`. */
  readonly shownTree: string;
  /** What earlier steps changed, in place of running them. */
  readonly after: Snapshot;
  /** Whether snapshots are wanted. */
  readonly keeps: boolean;
}): Promise<WorkPlace> {
  const { job, gitDirectory, after, keeps } = options;
  const { enclosure, user, isolation } = options.place;
  const workTreeFromHere = join(enclosure.volumeFromHere, "workspace");
  await mkdir(workTreeFromHere);
  const objectsDirectory = join(gitDirectory, "objects");
  const workspace = await openWorkspace({
    ...job,
    gitDirectory,
    shownTree: options.shownTree,
    workTree: join(enclosure.volume, "workspace"),
    workTreeFromHere,
    objectsForSteps: isolation === "none" ? objectsDirectory : objectsInside,
    run: (command) => runCommand(command, enclosure.enter),
  });
  const owner = user.kind === "own-id" && isolation !== "none" ? user.id : undefined;
  const tree = keeps || owner !== undefined ? await readFileTree(workTreeFromHere, owner) : undefined;
  const laidOut = keeps && tree !== undefined ? await readLaidOut(workTreeFromHere, tree, comparedBytes) : undefined;
  if (keeps) await new Promise((resolve) => setTimeout(resolve, tickMs));
  if (!isEmptySnapshot(after)) await restoreSnapshot(workTreeFromHere, after, owner);
  return {
    place: { ...options.place, objectsDirectory, directory: job.workspace.path },
    workspace,
    // A step can make what even its owner may not read.
    snapshot: async () =>
      laidOut !== undefined
        ? takeSnapshot(workTreeFromHere, laidOut, largestCachedBytes / 2).catch(() => undefined)
        : undefined,
  };
}
