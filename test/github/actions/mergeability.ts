import { mergeTrees } from "../git/history.ts";
import type { PullRequest } from "../state/pull-request.ts";
import { protectionOf, type Repository } from "../state/repository.ts";

export type MergeState = "CLEAN" | "DIRTY" | "BLOCKED" | "DRAFT" | "UNKNOWN";

export interface Mergeability {
  /** Absent while it is not known. */
  readonly mergeable?: boolean;
  readonly state: MergeState;
}

/**
 * Whether a pull request merges. As at GitHub, asking is what starts the computation: the first answer after head or
 * base have moved is "unknown", the next one is known.
 */
export async function mergeabilityOf(repository: Repository, pullRequest: PullRequest): Promise<Mergeability> {
  if (pullRequest.state === "closed") return { state: "UNKNOWN" };
  const base = await repository.git.branchHead(pullRequest.baseBranch);
  if (base === undefined) return { state: "UNKNOWN" };
  const question = `${base}...${pullRequest.headOid}`;
  if (pullRequest.mergeabilityAskedFor !== question) {
    pullRequest.mergeabilityAskedFor = question;
    return { state: "UNKNOWN" };
  }
  const merge = await mergeTrees(repository.git, base, pullRequest.headOid);
  if (merge.tree === undefined) return { mergeable: false, state: "DIRTY" };
  if (pullRequest.isDraft) return { mergeable: true, state: "DRAFT" };
  return { mergeable: true, state: refusalToMerge(repository, pullRequest) === undefined ? "CLEAN" : "BLOCKED" };
}

/** What the protection of the base branch has against merging. Nobody reviews or reports statuses here yet. */
export function refusalToMerge(repository: Repository, pullRequest: PullRequest): string | undefined {
  const protection = protectionOf(repository, pullRequest.baseBranch);
  if (protection === undefined) return undefined;
  if (protection.requiredApprovals > 0) {
    const plural = protection.requiredApprovals > 1 ? "s are" : " is";
    return `At least ${protection.requiredApprovals} approving review${plural} required by reviewers with write access.`;
  }
  const check = protection.requiredStatusChecks[0];
  return check === undefined ? undefined : `Required status check "${check}" is expected.`;
}
