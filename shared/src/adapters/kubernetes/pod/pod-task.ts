import { readFile } from "node:fs/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import { ours } from "../pod-layout.ts";

/** What a pod is to do, as its Secret has it. */
export interface PodTask {
  readonly artifactsUrl: string;
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

/** The one token that this container has. */
export async function readToken(): Promise<string> {
  return (await readFile(ours.token, "utf8")).trim();
}
