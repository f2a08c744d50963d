import type { BlobStore } from "#shared/ports/blob-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import type { TransformResult } from "#shared/execution/transform-result.ts";
import { networkRefused } from "#shared/transform/network-refused.ts";
import { resultOfLoss } from "#shared/transform/progress.ts";
import { runTransform as runSteps, type TransformParts } from "#shared/transform/run-transform.ts";
import type { StepRoom } from "#shared/transform/step-room.ts";
import { stepLabel } from "#shared/transform/step-inputs.ts";
import { TransformFailed } from "#shared/transform/transform-failed.ts";
import { codeOf } from "../error-code.ts";
import type { RunCommand } from "../git/git-command.ts";
import type { Sources } from "../git/source-cache.ts";
import { judged, treeToShow } from "../git/workspace.ts";
import { forgetStep } from "./forget-step.ts";
import type { StepPlace } from "./launch-step.ts";
import { runStep } from "./run-step.ts";
import type { Seat } from "./seat.ts";
import { openWorkPlace, type WorkPlace } from "./work-place.ts";

export interface ProcessParts extends Pick<TransformParts, "secrets" | "artifactPrefix" | "cache" | "watch"> {
  readonly blobs: Pick<BlobStore, "put">;
  readonly clock: Clock;
  readonly sources: Sources;
  /** Taken when the first step has to run, and left when nothing is done in there any more. */
  readonly seat: Seat;
  readonly gitDirectory: string;
  /** Runs git over that directory alone. */
  readonly runGit: RunCommand;
  /** Aborted when nobody wants the result any more. */
  readonly signal: AbortSignal;
}

/** Runs the steps as processes of this machine, and says how it went: it does not throw, whatever goes wrong. */
export async function runTransform(job: TransformJob, parts: ProcessParts): Promise<TransformResult> {
  const { sources, seat, gitDirectory, signal, cache, runGit: run } = parts;
  const { source, workspace } = job;
  const [network] = job.networks;
  if (network !== undefined) return resultOfLoss(job, networkRefused(network, []));
  return runSteps(job, {
    ...parts,
    bring: () =>
      judged(async () => {
        const { baseTree } = await sources.bring(source, gitDirectory, signal);
        const shownTree = await unlessDamaged(() => treeToShow({ gitDirectory, baseTree, source, workspace, run }));
        return { baseTree, shownTree };
      }),
    turn: () => seat.take(),
    async open({ shownTree }, after) {
      const place = await seat.open();
      const keeps = cache !== undefined;
      const workPlace = await unlessDamaged(() => openWorkPlace({ job, place, gitDirectory, shownTree, after, keeps }));
      return roomIn(job, workPlace, parts);
    },
  });

  /** Uses what was brought. Where that fails because it is damaged, it can be tried again. */
  async function unlessDamaged<T>(use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (cause) {
      if (signal.aborted || !(await sources.dropIfDamaged(source, gitDirectory))) throw cause;
      const message =
        "What this machine kept of the base commit was damaged. It is fetched anew when it is tried again.";
      throw new TransformFailed("infrastructure", message, { retryable: true, cause });
    }
  }
}

function roomIn(
  job: TransformJob,
  workPlace: WorkPlace,
  { clock, signal, seat }: Pick<ProcessParts, "clock" | "signal" | "seat">,
): StepRoom {
  const { limits } = job;
  const { place, workspace } = workPlace;
  return {
    ...workspace,
    snapshot: () => workPlace.snapshot(),
    forget: (index) => forgetStep(place, index),
    async collect(patchBytes) {
      try {
        return await workspace.collect(patchBytes);
      } finally {
        await seat.leave();
      }
    },
    async run({ step, index, inputs, redactor, show }) {
      if (place.isolation === "none" && inputs.files.length > 0) {
        const message = `${stepLabel(step, index)} places files, which needs an isolated sandbox. Install bubblewrap, or drop \`files\`.`;
        throw new TransformFailed("template", message, { step: index });
      }
      const before = clock.now().getTime();
      const { timeoutMs } = step;
      const { logBytes } = limits;
      const launch = { ...inputs, index, limits, timeoutMs, logBytes, show, signal };
      const run = await runStep(place, launch, redactor).catch((error: unknown) => {
        throw placedOnFullDisk(place, error)
          ? diskWasFull(stepLabel(step, index), index, limits.diskBytes, error)
          : error;
      });
      return { ...run, durationMs: clock.now().getTime() - before };
    },
  };
}

/** Whether a step could not be started because those before it had filled the volume. */
function placedOnFullDisk(place: StepPlace, error: unknown): boolean {
  return place.isolation !== "none" && codeOf(error) === "ENOSPC";
}

function diskWasFull(label: string, index: number, diskBytes: number, cause: unknown): TransformFailed {
  const message = `${label} could not begin: all of the disk (${diskBytes} bytes) was used up before it. Use less, or raise the limit.`;
  return new TransformFailed("limit", message, { step: index, cause });
}
