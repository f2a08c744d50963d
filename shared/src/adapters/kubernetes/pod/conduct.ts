import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SandboxStep } from "#shared/ports/sandbox.ts";
import { serializeTransformResult, type TransformResult } from "#shared/execution/transform-result.ts";
import { resultOfLoss } from "#shared/transform/progress.ts";
import { runTransform } from "#shared/transform/run-transform.ts";
import { systemClock } from "../../system/system-clock.ts";
import { secretNamesOf } from "../pod-containers.ts";
import { inPrivate, ours } from "../pod-layout.ts";
import { createArtifactsClient, HandingInFailed, type ArtifactsClient } from "./artifacts-client.ts";
import { readCheckout } from "./check-out.ts";
import { createJobStepCache, isPinned } from "./job-step-cache.ts";
import { openPodRoom } from "./pod-room.ts";
import { readPodTask, readToken, type PodTask } from "./pod-task.ts";
import { openStepLine, type StepLine } from "./step-line.ts";

/**
 * What the container beside the steps does: gives each its turn, its inputs and its time, reads and redacts what it
 * prints, and hands in what came out. All it knows of the transform is in its memory: when it is started a second time,
 * the first one has died, and the attempt with it.
 */
export async function conduct(): Promise<void> {
  const task = await readPodTask();
  const { executionId, attempt } = task.job;
  const tokens = { source: await readToken("source"), upload: await readToken("upload") };
  const artifacts = createArtifactsClient({ url: task.artifactsUrl, executionId, attempt, tokens });
  const line = await openStepLine(task.job);
  const result = (await isFirst()) ? await transform(task, artifacts, line) : died(task);
  try {
    await artifacts.putResult(serializeTransformResult(result));
  } catch (error) {
    if (!(error instanceof HandingInFailed)) throw error;
    // Nobody waits for it any more, or nobody is there: the pod ends, instead of trying until its time is over.
    process.stderr.write(`${error.message}\n`);
    await line.letAllGo("failed");
    return;
  }
  await line.letAllGo("done");
}

async function transform(
  { job, reusesSteps }: PodTask,
  artifacts: ArtifactsClient,
  line: StepLine,
): Promise<TransformResult> {
  const prefix = `${job.artifactPrefix}/`;
  const secrets = await readSecrets(job);
  const cache = {
    steps: createJobStepCache(artifacts, (said) => void process.stderr.write(`${said}\n`)),
    // One digest may stand for an image of several architectures.
    programs: `image on ${process.arch}`,
    isNamed: ({ image }: SandboxStep) => isPinned(image),
  };
  const isCached = reusesSteps && job.steps.some(cache.isNamed);
  let fetchMs = 0;
  const result = await runTransform(job, {
    blobs: {
      async put(key, bytes) {
        await artifacts.put(key.slice(prefix.length), bytes);
        return { stored: true };
      },
    },
    secrets,
    clock: systemClock,
    async bring() {
      const fetched = await readCheckout();
      ({ fetchMs } = fetched);
      return fetched;
    },
    open: ({ shownTree }, after) => openPodRoom({ job, shownTree, after, keeps: isCached, line, artifacts }),
    artifactPrefix: `${prefix}attempts/${randomBytes(6).toString("hex")}`,
    cache: isCached ? cache : undefined,
  });
  const { timings } = result;
  return { ...result, timings: { ...timings, fetchMs: timings.fetchMs + fetchMs } };
}

function died({ job }: PodTask): TransformResult {
  const because = "The container that conducts the steps died, perhaps for want of memory.";
  return resultOfLoss(job, { kind: "infrastructure", because, retryable: true });
}

async function isFirst(): Promise<boolean> {
  try {
    await writeFile(inPrivate("conducted"), "", { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Those that the operator has set, of the names in the steps. */
async function readSecrets(job: PodTask["job"]): Promise<(name: string) => string | undefined> {
  const values = new Map<string, string>();
  for (const name of secretNamesOf(job)) {
    const value = await readFile(join(ours.secrets, name), "utf8").catch(() => undefined);
    if (value !== undefined) values.set(name, value);
  }
  return (name) => values.get(name);
}
