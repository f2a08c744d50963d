import type { GitRepository } from "../git/git-repository.ts";
import type { Owner, Role } from "./account.ts";
import type { Label, PullRequest } from "./pull-request.ts";

export type Visibility = "public" | "private" | "internal";

/** What protects the branches that match a pattern (`main`, `release/*`). */
export interface BranchProtection {
  readonly requiredApprovals: number;
  readonly requiredStatusChecks: readonly string[];
  readonly allowForcePushes: boolean;
  readonly allowDeletions: boolean;
  /** Refuses to create branches that match. */
  readonly blocksCreation: boolean;
}

export interface Repository {
  readonly id: number;
  readonly nodeId: string;
  readonly owner: Owner;
  readonly git: GitRepository;
  readonly createdAt: Date;
  name: string;
  description: string | undefined;
  topics: string[];
  language: string | undefined;
  visibility: Visibility;
  isArchived: boolean;
  isDisabled: boolean;
  readonly isFork: boolean;
  isTemplate: boolean;
  lockReason: "MOVING" | "BILLING" | "RENAME" | "MIGRATING" | undefined;
  updatedAt: Date;
  pushedAt: Date;
  /** Kilobytes on disk, as measured when it was added. */
  readonly sizeKb: number;
  deletesBranchOnMerge: boolean;
  readonly collaborators: Map<string, Role>;
  readonly labels: Map<string, Label>;
  readonly pullRequests: Map<number, PullRequest>;
  readonly protections: Map<string, BranchProtection>;
}

export function fullName(repository: Repository): string {
  return `${repository.owner.login}/${repository.name}`;
}

/** The protection of a branch: an exact name first, else the first pattern that matches. `*` stops at `/`. */
export function protectionOf(repository: Repository, branch: string): BranchProtection | undefined {
  const exact = repository.protections.get(branch);
  if (exact !== undefined) return exact;
  for (const [pattern, protection] of repository.protections) {
    const source = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll("*", "[^/]*");
    if (pattern.includes("*") && new RegExp(`^${source}$`).test(branch)) return protection;
  }
  return undefined;
}
