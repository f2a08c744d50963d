import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import type { TransformResult } from "#shared/execution/transform-result.ts";
import { runTransform as runSteps, type TransformParts } from "#shared/transform/run-transform.ts";
import type { StepRoom } from "#shared/transform/step-room.ts";
import { stepLabel } from "#shared/transform/step-inputs.ts";
import { TransformFailed } from "#shared/transform/transform-failed.ts";
import type { RunCommand } from "../git/git-command.ts";
import type { Sources } from "../git/source-cache.ts";
import { judged, treeToShow } from "../git/workspace.ts";
import { stepDirectory, type StepPlace } from "./launch-step.ts";
import { runCommand } from "./run-command.ts";
import { runStep } from "./run-step.ts";
import { openWorkPlace, type WorkPlace } from "./work-place.ts";

export interface ProcessParts extends Pick<TransformParts, "secrets" | "artifactPrefix" | "cache" | "watch"> {
  readonly blobs: Pick<BlobStore, "put">;
  readonly clock: Clock;
  readonly sources: Sources;
  /** Opens the enclosure, when the first step needs it. */
  readonly openPlace: () => Promise<StepPlace>;
  readonly gitDirectory: string;
  /** Runs git over that directory alone. */
  readonly runGit: RunCommand;
  /** Aborted when nobody wants the result any more. */
  readonly signal: AbortSignal;
}

/** Runs the steps as processes of this machine, and says how it went: it does not throw, whatever goes wrong. */
export async function runTransform(job: TransformJob, parts: ProcessParts): Promise<TransformResult> {
  const { sources, gitDirectory, signal, cache, runGit: run } = parts;
  const { source, workspace } = job;
  return runSteps(job, {
    ...parts,
    bring: () =>
      judged(async () => {
        const { baseTree } = await sources.bring(source, gitDirectory, signal);
        return { baseTree, shownTree: await treeToShow({ gitDirectory, baseTree, source, workspace, run }) };
      }),
    async open({ shownTree }, after) {
      const place = await parts.openPlace();
      const keeps = cache !== undefined;
      return roomIn(job, await openWorkPlace({ job, place, gitDirectory, shownTree, after, keeps }), parts);
    },
  });
}

function roomIn(
  job: TransformJob,
  workPlace: WorkPlace,
  { clock, signal }: Pick<ProcessParts, "clock" | "signal">,
): StepRoom {
  const { limits } = job;
  const { place, workspace } = workPlace;
  return {
    ...workspace,
    snapshot: () => workPlace.snapshot(),
    forget: (index) => forget(place, index),
    async run({ step, index, inputs, redactor, show }) {
      if (place.isolation === "none" && inputs.files.length > 0) {
        const message = `${stepLabel(step, index)} places files, which needs an isolated sandbox. Install bubblewrap, or drop \`files\`.`;
        throw new TransformFailed("template", message, { step: index });
      }
      const before = clock.now().getTime();
      const { timeoutMs } = step;
      const { logBytes } = limits;
      const run = await runStep(place, { ...inputs, index, limits, timeoutMs, logBytes, show, signal }, redactor);
      return { ...run, durationMs: clock.now().getTime() - before };
    },
  };
}

async function leftNothing(directory: string): Promise<boolean> {
  const left = await Promise.all(["tmp", "shm"].map((name) => readdir(join(directory, name)).catch(() => ["?"])));
  return left.flat().length === 0;
}

/** A step's /tmp ends with it: it counts against the disk limit, and a Job's step would have its own. */
async function forget(place: StepPlace, index: number): Promise<void> {
  const here = stepDirectory(place.enclosure.volumeFromHere, index);
  if (await leftNothing(here)) {
    await rm(here, { recursive: true, force: true });
  } else {
    // In there: it may be very much, and closed to us, but not to who is root in there.
    await runCommand(
      {
        argv: ["rm", "-rf", "--", stepDirectory(place.enclosure.volume, index)],
        environment: { PATH: "/usr/bin:/bin" },
        timeoutMs: 60_000,
        maxOutputBytes: 1 << 16,
      },
      place.enclosure.enter,
    );
  }
}
