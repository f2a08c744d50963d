import { z } from "zod";
import type { JsonValue } from "#shared/spec/template/context.ts";

const jsonValue: z.ZodType<JsonValue> = z.json();

/**
 * How paths are written here: as UTF-8 text. A path that is not UTF-8, or that begins with a double quote, is written as
 * git quotes it (`"caf\351.txt"`, in double quotes with octal escapes), so that every name survives JSON and a database.
 */
const path = z.string().min(1);

export const changeKinds = ["added", "modified", "deleted", "renamed", "type-changed"] as const;

const fileStatistics = z.object({
  path,
  /** Where a renamed or copied file was before. */
  oldPath: path.optional(),
  change: z.enum(changeKinds),
  /** Six octal digits as git has them: 100644, 100755, 120000 (symlink), 160000 (submodule); 000000 when deleted. */
  mode: z.string().regex(/^[0-7]{6}$/),
  /** 000000 when added. */
  oldMode: z.string().regex(/^[0-7]{6}$/),
  /** Lines; 0 for a binary file. */
  additions: z.int().nonnegative(),
  deletions: z.int().nonnegative(),
  binary: z.boolean(),
});
export type FileStatistics = z.infer<typeof fileStatistics>;

const patchStatistics = z.object({
  files: z.array(fileStatistics),
  filesChanged: z.int().nonnegative(),
  additions: z.int().nonnegative(),
  deletions: z.int().nonnegative(),
});
export type PatchStatistics = z.infer<typeof patchStatistics>;

const failure = z.object({
  kind: z.enum([
    /** A step ended with an exit code other than 0. */
    "step-failed",
    "step-timeout",
    /** Memory or disk ran out. */
    "limit",
    /** The base commit could not be read or laid out. */
    "checkout",
    /** A template, an output, an environment name or a file path of the spec is wrong. */
    "template",
    "unknown-secret",
    "patch-too-large",
    "secret-in-patch",
    /** A step left a git repository, or files in a submodule: nothing a commit of this repository could hold. */
    "nested-repository",
    /** A step changed what is outside of its workspace, which it was not shown. */
    "outside-workspace",
    /** The operator's malware scanner found something in it, or would not look at it. */
    "quarantined",
    /** The machine or the storage let us down. */
    "infrastructure",
  ]),
  /** The index of the step at fault, when it was one. */
  step: z.int().nonnegative().optional(),
  /** For people: what happened and what to do about it. */
  message: z.string(),
});
export type TransformFailure = z.infer<typeof failure>;

const step = z.object({
  index: z.int().nonnegative(),
  name: z.string().optional(),
  /** `cached`: it ran before on the very same input; `not-reached`: an earlier step failed. */
  status: z.enum(["ran", "cached", "skipped", "failed", "timed-out", "not-reached"]),
  exitCode: z.int().optional(),
  durationMs: z.number().nonnegative(),
  /** Where its log is in the blob store; absent when it printed nothing to keep, for it never started. */
  logKey: z.string().optional(),
  logTruncated: z.boolean(),
  outputs: z.record(z.string(), jsonValue),
});
export type StepResult = z.infer<typeof step>;

/** What a transform leaves behind as `<artifactPrefix>/result.json`, whether it went well or not. */
export const transformResult = z.object({
  version: z.literal(1),
  executionId: z.string(),
  outcome: z.discriminatedUnion("status", [
    z.object({ status: z.literal("no-change") }),
    z.object({
      status: z.literal("patch"),
      /** A git patch (`--binary --full-index -M`) against the base commit. */
      patch: z.object({ key: z.string(), sizeBytes: z.int().nonnegative() }),
      /** The changed files with their contents: see `decodeChanges`. */
      changes: z.object({ key: z.string() }),
      /** The git tree that base plus patch make: what a commit of the changes must have. */
      tree: z.string().regex(/^[0-9a-f]{40}$/),
      baseTree: z.string().regex(/^[0-9a-f]{40}$/),
      statistics: patchStatistics,
    }),
    z.object({
      status: z.literal("failed"),
      failure,
      /** True when the same transform may succeed later: the infrastructure failed, not a step. */
      retryable: z.boolean(),
    }),
  ]),
  steps: z.array(step),
  /** Where the time went, in milliseconds; `fetchMs` is 0 when no step needed the repository. */
  timings: z.object({ fetchMs: z.number(), stepsMs: z.number(), diffMs: z.number() }),
});
export type TransformResult = z.infer<typeof transformResult>;
export type TransformOutcome = TransformResult["outcome"];

/** @throws z.ZodError or SyntaxError when the bytes are no result. */
export function parseTransformResult(bytes: Uint8Array): TransformResult {
  return transformResult.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
}

export function serializeTransformResult(result: TransformResult): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(transformResult.parse(result)));
}
