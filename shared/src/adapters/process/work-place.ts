import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import type { Snapshot } from "#shared/transform/snapshot.ts";
import { createTrustedRepository } from "../git/trusted-repository.ts";
import { openWorkspace, type Workspace } from "../git/workspace.ts";
import { objectsInside, type StepPlace } from "./launch-step.ts";
import { runCommand } from "./run-command.ts";
import { trackTree } from "./tracked-tree.ts";

/** Where the steps of one transform run, with the repository laid out in it. */
export interface WorkPlace {
  readonly place: StepPlace;
  readonly workspace: Workspace;
  /** What differs from the base now; undefined where it cannot be kept truly, or need not be. */
  snapshot(): Promise<Snapshot | undefined>;
}

/** @throws TransformFailed when the base cannot be laid out. */
export async function openWorkPlace(options: {
  readonly job: Pick<TransformJob, "source" | "workspace">;
  readonly place: StepPlace;
  /** With every object of the base commit. */
  readonly gitDirectory: string;
  /** What the steps see of the base, see `treeToShow`. */
  readonly shownTree: string;
  /** What earlier steps changed, in place of running them. */
  readonly after: Snapshot;
  /** Whether snapshots are wanted. */
  readonly keeps: boolean;
}): Promise<WorkPlace> {
  const { job, after, keeps } = options;
  const { enclosure, user, isolation } = options.place;
  const workTreeFromHere = join(enclosure.volumeFromHere, "workspace");
  mkdirSync(workTreeFromHere);
  const objectsDirectory = join(options.gitDirectory, "objects");
  const gitDirectory = join(enclosure.own, "git");
  const gitDirectoryFromHere = join(enclosure.ownFromHere, "git");
  createTrustedRepository(gitDirectoryFromHere, objectsDirectory);
  const workspace = await openWorkspace({
    ...job,
    gitDirectory,
    gitDirectoryFromHere,
    shownTree: options.shownTree,
    workTree: join(enclosure.volume, "workspace"),
    workTreeFromHere,
    objectsForSteps: isolation === "none" ? objectsDirectory : objectsInside,
    run: (command) => runCommand(command, enclosure.enter),
  });
  const owner = user.kind === "own-id" && isolation !== "none" ? user.id : undefined;
  const clockFile = join(enclosure.volumeFromHere, "clock");
  const { snapshot } = await trackTree({ directory: workTreeFromHere, owner, after, keeps, clockFile });
  return {
    place: { ...options.place, objectsDirectory, directory: job.workspace.path },
    workspace,
    snapshot,
  };
}
