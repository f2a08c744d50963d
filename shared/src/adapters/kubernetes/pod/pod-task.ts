import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { JobDirection } from "#shared/artifacts/job-token.ts";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import { ours } from "../pod-layout.ts";

/** What a pod is to do, as its Secret has it. */
export interface PodTask {
  readonly artifactsUrl: string;
  readonly reusesSteps: boolean;
  readonly job: TransformJob;
}

/** Compressed: a spec may be larger than what a Secret holds. */
export function serializePodTask(task: PodTask): Buffer {
  return gzipSync(JSON.stringify(task));
}

/** Of the pod that this process is in. */
export async function readPodTask(): Promise<PodTask> {
  // Only `serializePodTask` writes it, in the same version of Octobatch: the image is the executor's.
  return JSON.parse(gunzipSync(await readFile(ours.job)).toString("utf8")) as PodTask;
}

/** A token that this container was given. */
export async function readToken(direction: JobDirection): Promise<string> {
  return (await readFile(join(ours.tokens[direction], ours.tokenFile), "utf8")).trim();
}
