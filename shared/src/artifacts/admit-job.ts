import type { Execution } from "#shared/execution/execution.ts";
import type { JobDirection, JobGrant } from "./job-token.ts";

/** What a Job wants to do, as its address says. */
export interface JobErrand {
  readonly executionId: string;
  readonly attempt: number;
  readonly direction: JobDirection;
}

export type Admission =
  | { readonly kind: "admit" }
  /** The token is for something else. */
  | { readonly kind: "forbid"; readonly because: string }
  /** Nobody waits any more for what this Job does: it may end itself. */
  | { readonly kind: "gone"; readonly because: string };

/** Whether a token is for this errand. */
export function matchGrant(grant: JobGrant, errand: JobErrand): Admission {
  const { executionId, attempt, direction } = errand;
  if (grant.executionId !== executionId) return { kind: "forbid", because: "the token is for another execution" };
  if (grant.attempt !== attempt) return { kind: "forbid", because: `the token is for attempt ${grant.attempt}` };
  if (grant.direction !== direction) return { kind: "forbid", because: `the token is for ${grant.direction} alone` };
  return { kind: "admit" };
}

/** Whether the execution still waits for this attempt. A token outlives neither a kill, nor the end, nor another attempt. */
export function admitJob(execution: Execution | undefined, errand: JobErrand): Admission {
  if (execution === undefined) return { kind: "gone", because: "there is no such execution any more" };
  const { attempt, state } = execution;
  if (attempt !== errand.attempt) return { kind: "gone", because: `attempt ${attempt} has taken its place` };
  if (state.status !== "pending" && state.status !== "running") {
    return { kind: "gone", because: `it has ended: ${state.status}` };
  }
  return { kind: "admit" };
}
