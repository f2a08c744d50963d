import { statfs } from "node:fs/promises";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import type { StepRoom, StepRun, StepTurn } from "#shared/transform/step-room.ts";
import { createStepLog } from "#shared/transform/step-log.ts";
import type { Snapshot } from "#shared/transform/snapshot.ts";
import { openWorkspace } from "../../git/workspace.ts";
import { runCommand } from "../../process/run-command.ts";
import { trackTree } from "../../process/tracked-tree.ts";
import { inPrivate, inWork, ours, stepPaths, subPaths } from "../pod-layout.ts";
import type { ArtifactsClient } from "./artifacts-client.ts";
import { openLiveLog } from "./live-log.ts";
import { placeStep } from "./place-step.ts";
import type { StepLine } from "./step-line.ts";
import { wordless, type Ended } from "./told-words.ts";

/** Left on a volume that counts as full: less than any file needs. */
const fullBytes = 64 << 10;

/** The workspace volume, in which the containers of the steps take their turns. */
export async function openPodRoom(options: {
  readonly job: TransformJob;
  readonly shownTree: string;
  /** What earlier steps changed, in place of running them. */
  readonly after: Snapshot;
  /** Whether snapshots are wanted. */
  readonly keeps: boolean;
  readonly line: StepLine;
  readonly artifacts: Pick<ArtifactsClient, "follow">;
}): Promise<StepRoom> {
  const { job, shownTree, line, artifacts } = options;
  const directory = inWork(subPaths.workspace);
  const gitDirectory = inPrivate(subPaths.gitDirectory);
  const workspace = await openWorkspace({
    source: job.source,
    workspace: job.workspace,
    gitDirectory,
    gitDirectoryFromHere: gitDirectory,
    shownTree,
    workTree: directory,
    workTreeFromHere: directory,
    objectsForSteps: stepPaths.objects,
    run: runCommand,
  });
  const { snapshot } = await trackTree({ ...options, directory });

  async function run({ step, index, inputs, redactor }: StepTurn): Promise<StepRun> {
    const channel = await line.callUp(index);
    await placeStep(job, step, index, inputs);
    const live = openLiveLog(artifacts, index);
    const log = createStepLog(redactor, job.limits.logBytes, (bytes) => live.write(bytes));
    const before = performance.now();
    await channel.go("run");
    const stop = atLast(step.timeoutMs, () => channel.over());
    const said = await channel.listen((stream, bytes) => log.write(stream, bytes)).finally(stop);
    const durationMs = performance.now() - before;
    const { doubt, ...ended } = said ?? (await withoutWord(index));
    if (doubt !== undefined) log.write("stderr", Buffer.from(`\n[octobatch] ${doubt}\n`));
    const { log: kept, truncated, stdout, stderr } = log.finish();
    const isFine = ended.end === "exited" && ended.exitCode === 0;
    const exhausted = isFine || ended.end === "timed-out" ? undefined : await exhaustedLimit();
    const status = ended.end === "timed-out" ? "timed-out" : isFine ? "ran" : "failed";
    await live.finish({ status, exitCode: ended.exitCode, durationMs });
    // The kubelet starts the next container when nothing of this one is left: only then is the workspace looked at.
    if (isFine) await line.nextIsThere(index);
    return { ...ended, durationMs, log: kept, logTruncated: truncated, stdout, stderr: doubt ?? stderr, exhausted };
  }

  /**
   * A container that died before it could say how its step ended takes the pod with it, this process included. Why it
   * died is seen from outside, so nothing is handed in here. It ended well when the next one is started all the same.
   */
  async function withoutWord(index: number): Promise<Ended> {
    await line.nextIsThere(index);
    return wordless;
  }

  return {
    ...workspace,
    run,
    snapshot,
    // What a step had for itself goes with the pod.
    forget: () => Promise.resolve(),
  };
}

/** How soon a step is told again that its time is over: its shell may not have been listening yet. */
const againMs = 250;

/** Calls it after a time, and again and again from then on. @returns what ends that. */
function atLast(ms: number, tell: () => Promise<void>): () => void {
  let again: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => {
    void tell();
    again = setInterval(() => void tell(), againMs);
  }, ms);
  return () => {
    clearTimeout(timer);
    clearInterval(again);
  };
}

async function exhaustedLimit(): Promise<"disk" | undefined> {
  const volume = await statfs(ours.work);
  return volume.bavail * volume.bsize < fullBytes ? "disk" : undefined;
}
