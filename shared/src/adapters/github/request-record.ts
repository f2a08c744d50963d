import type { Caller } from "./turns.ts";
import type { Budget } from "./rate-limits.ts";

/** One HTTP request as it went: what a log line or a metric needs, and nothing that is secret. */
export interface GitHubRequestRecord extends Pick<Caller, "installation" | "urgency"> {
  /** `GET /repos/{owner}/{repo}/pulls` or `graphql OrganizationPage`. */
  readonly operation: string;
  readonly method: string;
  /** The path without the query. */
  readonly path: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly outcome: GitHubOutcome;
  /** Absent when no answer came. */
  readonly status?: number;
  /** GitHub's support asks for it. */
  readonly requestId?: string;
  /** The primary budget this request was counted against; absent on GitHub Enterprise Server without limits. */
  readonly budget?: Budget;
}

export type GitHubOutcome =
  | "done"
  /** A 304, which is free. */
  | "not-modified"
  | "redirected"
  | "refused"
  /** Refused for a limit, primary or secondary. */
  | "limited"
  /** A 5xx. */
  | "failed"
  | "no-answer";
