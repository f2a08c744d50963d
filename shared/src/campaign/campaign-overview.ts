import type { ChangesetState } from "#shared/changeset/changeset.ts";

/** Where one repository of a campaign's newest run stands, and why. */
export interface RepositoryStanding {
  readonly fullName: string;
  readonly standing: Standing;
  /** Why it is in or out, failed or waits: written for people. */
  readonly because: string;
  readonly executionId?: string;
  readonly changesetId?: string;
  readonly pullRequest?: { readonly number: number; readonly url: string };
  readonly filesChanged?: number;
  readonly additions?: number;
  readonly deletions?: number;
}

/**
 * One word for where a repository stands: that of its changeset once there is one, that of its execution before, and
 * `excluded` when it was not selected.
 */
export type Standing =
  "excluded" | "pending" | "running" | "no-change" | "execution-failed" | "cancelled" | ChangesetState["status"];

export const standings = [
  "excluded",
  "pending",
  "running",
  "no-change",
  "execution-failed",
  "cancelled",
  "unpublished",
  "ready",
  "publishing",
  "open",
  "needs-human",
  "merged",
  "closed",
  "failed",
  "withdrawn",
] as const satisfies readonly Standing[];

export interface StandingQuery {
  readonly campaign: string;
  readonly run: number;
  readonly standing?: Standing;
  /** Names after this one, in byte order. */
  readonly after?: string;
  readonly limit: number;
}

/** Reads across the aggregates, for people. */
export interface CampaignOverview {
  /** A page of the run's repositories by name. */
  repositories(query: StandingQuery): Promise<readonly RepositoryStanding[]>;

  /** One repository of the run, by `owner/name` in any case. */
  repository(campaign: string, run: number, fullName: string): Promise<RepositoryStanding | undefined>;

  /** How many repositories of the run stand where. */
  counts(campaign: string, run: number): Promise<Readonly<Partial<Record<Standing, number>>>>;
}
