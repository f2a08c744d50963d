import type { Context } from "hono";
import type { Pace } from "#shared/artifacts/timely.ts";
import type { Turnstile } from "#shared/artifacts/turnstile.ts";
import type { Execution } from "#shared/execution/execution.ts";
import type { Granted } from "#shared/runtime/capabilities.ts";
import type { Logger } from "#shared/runtime/logger.ts";

export const artifactsNeeds = [
  "executions",
  "tasks",
  "blobs",
  "liveLogs",
  "sourceRelay",
  "jobTokenKeys",
  "sandboxLimits",
  "clock",
  "log",
] as const;

/** How much Jobs may ask of one process of this function. */
export interface Terms {
  /** How fast what a Job sends has to come. */
  readonly sending: Pace;
  /** How fast the code host has to answer, and the Job to take it. */
  readonly fetching: Pace;
  readonly fetches: { readonly atOnce: number; readonly inLine: number };
  readonly uploads: { readonly atOnce: number; readonly inLine: number };
}

/** What every route works with. */
export interface Desk extends Granted<(typeof artifactsNeeds)[number]> {
  readonly terms: Terms;
  readonly fetches: Turnstile;
  readonly uploads: Turnstile;
}

/** What is known of a Job that was let in. */
export type JobEnv = { Variables: { execution: Execution; log: Logger } };

export type JobContext = Context<JobEnv>;
