import type { Account, Actor, Team, User } from "./account.ts";

export interface Label {
  readonly id: number;
  readonly nodeId: string;
  readonly name: string;
  readonly color: string;
  readonly description: string | undefined;
}

export interface Comment {
  readonly id: number;
  readonly nodeId: string;
  readonly author: Actor;
  readonly body: string;
  readonly createdAt: Date;
}

export interface MergeRecord {
  readonly at: Date;
  readonly by: Actor;
  readonly commit: string;
}

export interface PullRequest {
  readonly id: number;
  readonly nodeId: string;
  readonly number: number;
  readonly author: Actor;
  readonly createdAt: Date;
  readonly headBranch: string;
  title: string;
  body: string | undefined;
  state: "open" | "closed";
  isDraft: boolean;
  headOid: string;
  baseBranch: string;
  /** The head of the base branch when the head last moved. */
  baseOid: string;
  updatedAt: Date;
  closedAt: Date | undefined;
  merged: MergeRecord | undefined;
  /** Why it can never be reopened, once that is so. */
  finalBecause: string | undefined;
  /** Base and head for which somebody has asked whether they merge: the answer is ready from the second question on. */
  mergeabilityAskedFor: string | undefined;
  readonly labels: Map<string, Label>;
  readonly assignees: Map<string, Account>;
  readonly reviewers: Map<string, User>;
  readonly teams: Map<string, Team>;
  readonly comments: Comment[];
}
