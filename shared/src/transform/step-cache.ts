import { createHash } from "node:crypto";
import { z } from "zod";
import type { SandboxStep, TransformJob } from "#shared/ports/sandbox.ts";
import type { ChangedFiles } from "#shared/spec/template/context.ts";
import { decodeSnapshot, encodeSnapshot, type Snapshot } from "./snapshot.ts";
import type { StepInputs } from "./step-inputs.ts";

/** Keeps what steps came to, by a hash of everything they could read. It may forget at any time. */
export interface StepCache {
  /** Undefined when it is not there, or cannot be read. Never throws: a cache that is down costs time alone. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Never throws, for the same reason. */
  put(key: string, bytes: Uint8Array): Promise<void>;
}

/** What a step came to, and how the work tree differs from the base after it. */
export interface CachedStep {
  readonly stdout: string;
  readonly stderr: string;
  /** What all steps had changed after it, where somebody asked. */
  readonly files?: ChangedFiles | undefined;
  readonly log: Uint8Array;
  readonly logTruncated: boolean;
  readonly snapshot: Snapshot;
}

/** A larger one is not kept, and a larger blob not read. */
export const largestCachedBytes = 64 << 20;

const names = z.array(z.string());
const aboutStep = z.object({
  version: z.literal(2),
  stdout: z.string(),
  stderr: z.string(),
  files: z.object({ modified_files: names, added_files: names, deleted_files: names, renamed_files: names }).optional(),
  log: z.base64(),
  logTruncated: z.boolean(),
});

/** Undefined when it is too large to be kept. */
export async function encodeCachedStep({ snapshot, log, ...about }: CachedStep): Promise<Uint8Array | undefined> {
  const contents = snapshot.entries.reduce((sum, entry) => sum + (entry.kind === "file" ? entry.content.length : 0), 0);
  if (contents + log.length * 2 > largestCachedBytes / 2) return undefined;
  return encodeSnapshot({ version: 2, ...about, log: Buffer.from(log).toString("base64") }, snapshot);
}

/** @throws Error when the bytes are no cached step of this version. */
export async function decodeCachedStep(bytes: Uint8Array): Promise<CachedStep> {
  const { about, snapshot } = await decodeSnapshot(bytes, aboutStep, largestCachedBytes);
  const { version: _version, log, ...rest } = about;
  return { ...rest, log: Buffer.from(log, "base64"), snapshot };
}

/**
 * The key that all steps of a transform build on: the files they find, where they run and what runs them.
 *
 * @param options.tree Of what is laid out: of the base commit, or of the workspace alone.
 * @param options.programs Names what a step finds besides: where images are used, nothing; else this machine's programs.
 */
export function firstCacheKey(options: {
  readonly job: Pick<TransformJob, "source" | "workspace">;
  readonly tree: string;
  readonly programs: string;
}): string {
  const { job, tree, programs } = options;
  // The branch is what the steps' git calls theirs.
  return hash(["octobatch", 2, tree, job.workspace.path, job.workspace.onlyFetch, job.source.branch, programs]);
}

/**
 * The key of a step, by its own input and that of all steps before it. What it puts out is no input: that may speak of the
 * repository and the campaign, and is made of what it printed, each time.
 */
export function cacheKeyOf(previous: string, step: SandboxStep, inputs: StepInputs): string {
  const environment = Object.entries(inputs.environment).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return hash([previous, step.image, inputs.script, environment, inputs.files]);
}

/** A step that was asked for what it changed is kept apart, so that it is found whether somebody asks or not. */
export function keyWithFiles(key: string): string {
  return hash([key, "with the changed files"]);
}

function hash(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
