import { isAncestor } from "../git/history.ts";
import { validationFailed, type Refusal } from "../http/refusal.ts";
import type { PullRequest } from "../state/pull-request.ts";
import type { Repository } from "../state/repository.ts";
import { compare } from "./comparison.ts";

const longestBody = 65_536;
const longestTitle = 256;

/** @throws Refusal 422 for a title or body that GitHub does not take */
export function checkTexts({
  title,
  body,
}: {
  readonly title?: string | undefined;
  readonly body?: string | undefined;
}): void {
  if (title !== undefined && title.trim() === "") {
    throw validationFailed({ resource: "PullRequest", code: "missing_field", field: "title" });
  }
  if (title !== undefined && title.length > longestTitle) {
    const message = `title is too long (maximum is ${longestTitle} characters)`;
    throw validationFailed({ resource: "PullRequest", code: "custom", field: "title", message });
  }
  if (body !== undefined && body.length > longestBody) {
    const message = `body is too long (maximum is ${longestBody} characters)`;
    throw validationFailed({ resource: "PullRequest", code: "custom", field: "body", message });
  }
}

/** The branch of `branch` or `owner:branch`, or undefined for another owner. */
export function headBranchOf(repository: Repository, head: string): string | undefined {
  const colon = head.indexOf(":");
  if (colon === -1) return head;
  // There are no forks to open pull requests from here, so the owner has to be the repository's own.
  const isOwn = head.slice(0, colon).toLowerCase() === repository.owner.login.toLowerCase();
  return isOwn ? head.slice(colon + 1) : undefined;
}

/** `head` or `base` names no branch. */
export function invalidField(field: "base" | "head"): Refusal {
  return validationFailed({ resource: "PullRequest", field, code: "invalid" });
}

/** @throws Refusal 422 when the branch has an open pull request to that base */
export function checkDuplicate(repository: Repository, head: string, base: string): void {
  const exists = [...repository.pullRequests.values()].some(
    (other) => other.state === "open" && other.headBranch === head && other.baseBranch === base,
  );
  if (!exists) return;
  const message = `A pull request already exists for ${repository.owner.login}:${head}.`;
  throw validationFailed({ resource: "PullRequest", code: "custom", message });
}

/** @throws Refusal 422 when the head has nothing that its base has not */
export async function checkCommits(
  repository: Repository,
  range: { readonly base: string; readonly baseOid: string; readonly head: string; readonly headOid: string },
): Promise<void> {
  const comparison = await compare(repository, range.baseOid, range.headOid);
  const custom = (message: string): Refusal => validationFailed({ resource: "PullRequest", code: "custom", message });
  if (comparison === undefined) throw custom(`The ${range.head} branch has no history in common with ${range.base}`);
  if (comparison.commits.length === 0) throw custom(`No commits between ${range.base} and ${range.head}`);
}

/** The head of a base that the pull request may change to. @throws Refusal 422 */
export async function changeableBase(repository: Repository, pullRequest: PullRequest, base: string): Promise<string> {
  const baseOid = await repository.git.branchHead(base);
  if (baseOid === undefined) throw invalidField("base");
  if (pullRequest.state === "closed") {
    const message = "Cannot change the base branch of a closed pull request.";
    throw validationFailed({ resource: "PullRequest", code: "invalid", field: "base", message });
  }
  checkDuplicate(repository, pullRequest.headBranch, base);
  await checkCommits(repository, { base, baseOid, head: pullRequest.headBranch, headOid: pullRequest.headOid });
  return baseOid;
}

/** @throws Refusal 422 when it was merged or its branches do not allow to reopen it */
export async function checkReopening(repository: Repository, pullRequest: PullRequest): Promise<void> {
  const refuse = (message: string): Refusal =>
    validationFailed({
      resource: "PullRequest",
      code: "custom",
      field: "state",
      message: `state cannot be changed. ${message}`,
    });
  const { headBranch, baseBranch } = pullRequest;
  if (pullRequest.merged !== undefined) throw refuse("The pull request cannot be reopened.");
  const head = await repository.git.branchHead(headBranch);
  if (head === undefined) throw refuse(`The ${headBranch} branch has been deleted.`);
  const base = await repository.git.branchHead(baseBranch);
  if (base === undefined) throw refuse(`The ${baseBranch} branch has been deleted.`);
  if (pullRequest.finalBecause !== undefined) throw refuse(`There are no new commits on the ${headBranch} branch.`);
  if (!(await isAncestor(repository.git, pullRequest.headOid, head))) {
    throw refuse(`The ${headBranch} branch was force-pushed or recreated.`);
  }
  const open = [...repository.pullRequests.values()].find(
    (other) => other.state === "open" && other.headBranch === headBranch && other.baseBranch === baseBranch,
  );
  if (open !== undefined)
    throw refuse(`There is already an open pull request (#${open.number}) from ${headBranch} to ${baseBranch}.`);
  const comparison = await compare(repository, base, head);
  if (comparison === undefined || comparison.commits.length === 0) {
    throw refuse(`There are no new commits on the ${headBranch} branch.`);
  }
}
