import type { ChangesetState } from "#shared/changeset/changeset.ts";

/** Where one repository of a campaign's newest run stands, or one workspace of it, and why. */
export interface RepositoryStanding {
  readonly fullName: string;
  /** Its path; absent when it is about the whole repository. */
  readonly workspace?: string;
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
 * `excluded` when it was not selected and no pull request of it is open.
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
  "closing",
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
  /** Those after this one, by name and workspace, in byte order. The root of a repository is empty. */
  readonly after?: { readonly fullName: string; readonly workspace: string };
  readonly limit: number;
}

/** Reads across the aggregates, for people. */
export interface CampaignOverview {
  /** A page of the run's repositories by name; of one that is divided, each workspace by itself. */
  repositories(query: StandingQuery): Promise<readonly RepositoryStanding[]>;

  /** One repository of the run, by `owner/name` in any case: all its workspaces, in order. None when it is not there. */
  repository(campaign: string, run: number, fullName: string): Promise<readonly RepositoryStanding[]>;

  /** How many repositories of the run stand where. */
  counts(campaign: string, run: number): Promise<Readonly<Partial<Record<Standing, number>>>>;
}
