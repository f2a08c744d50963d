import type { Caller } from "../auth/caller.ts";
import { actorOf } from "../auth/caller.ts";
import { mergeTrees } from "../git/history.ts";
import { Refusal, unprocessable } from "../http/refusal.ts";
import type { Site } from "../site.ts";
import type { PullRequest } from "../state/pull-request.ts";
import type { Repository } from "../state/repository.ts";
import { zeroOid } from "../git/git-repository.ts";
import { compare } from "./comparison.ts";
import { refusalToMerge } from "./mergeability.ts";
import { announcePullRequest } from "./pull-request-events.ts";
import { announcePush } from "./pushes.ts";
import { githubSignature, signatureOf, writeSignedCommit } from "./signing.ts";

export interface MergeRequest {
  readonly method: "merge" | "squash" | "rebase";
  readonly title?: string | undefined;
  readonly message?: string | undefined;
  /** What the head has to be. */
  readonly expectedHead?: string | undefined;
}

const notMergeable = (message: string): Refusal => new Refusal(405, message, { type: "UNPROCESSABLE" });

/** Merges for real, in the bare repository. The repository's lock is held. @throws Refusal 405 or 409, as GitHub does */
export async function mergePullRequest(
  site: Site,
  repository: Repository,
  pullRequest: PullRequest,
  caller: Caller,
  request: MergeRequest,
): Promise<string> {
  const actor = actorOf(caller);
  if (pullRequest.merged !== undefined) throw notMergeable("Pull Request is not mergeable");
  if (pullRequest.state === "closed") throw notMergeable("Pull Request is closed");
  if (request.expectedHead !== undefined && request.expectedHead !== pullRequest.headOid) {
    throw new Refusal(409, "Head branch was modified. Review and try the merge again.", { type: "STALE_DATA" });
  }
  if (pullRequest.isDraft) throw notMergeable("Pull Request is still a draft");
  const refusal = refusalToMerge(repository, pullRequest);
  if (refusal !== undefined) throw notMergeable(refusal);
  const base = await repository.git.branchHead(pullRequest.baseBranch);
  if (base === undefined) throw unprocessable("Base branch was deleted");
  const commit = await makeMerge(site, repository, pullRequest, caller, request, base);
  const name = `refs/heads/${pullRequest.baseBranch}`;
  await repository.git.moveRefs([{ name, before: base, after: commit }]);
  const now = site.world.clock.now();
  pullRequest.merged = { at: now, by: actor, commit };
  pullRequest.state = "closed";
  pullRequest.closedAt = now;
  pullRequest.updatedAt = now;
  await announcePullRequest(site, repository, pullRequest, actor, "closed");
  await announcePush(site, repository, actor, [{ name, before: base, after: commit }]);
  if (repository.deletesBranchOnMerge) await deleteHead(site, repository, pullRequest, caller);
  return commit;
}

async function makeMerge(
  site: Site,
  repository: Repository,
  pullRequest: PullRequest,
  caller: Caller,
  request: MergeRequest,
  base: string,
): Promise<string> {
  if (request.method === "rebase") return rebase(site, repository, pullRequest, base);
  const merge = await mergeTrees(repository.git, base, pullRequest.headOid);
  if (merge.tree === undefined) throw notMergeable("Pull Request is not mergeable");
  const now = site.world.clock.now();
  const isSquash = request.method === "squash";
  const { number, title, body } = pullRequest;
  const subject = isSquash
    ? `${title} (#${number})`
    : `Merge pull request #${number} from ${repository.owner.login}/${pullRequest.headBranch}`;
  const text = request.message ?? (isSquash ? (body ?? "") : title);
  return writeSignedCommit(site.world, repository.git, {
    tree: merge.tree,
    parents: isSquash ? [base] : [base, pullRequest.headOid],
    author: signatureOf(isSquash ? pullRequest.author : actorOf(caller), now),
    committer: githubSignature(now),
    message: [request.title ?? subject, text].filter((part) => part !== "").join("\n\n"),
  });
}

/** Replays each commit on the base, oldest first. */
async function rebase(site: Site, repository: Repository, pullRequest: PullRequest, base: string): Promise<string> {
  const { git } = repository;
  const comparison = await compare(repository, base, pullRequest.headOid);
  let tip = base;
  for (const oid of comparison?.commits ?? []) {
    const [commit, onto] = await Promise.all([git.commit(oid), git.commit(tip)]);
    const parent = commit?.parents[0];
    if (commit === undefined || onto === undefined || parent === undefined || commit.parents.length > 1) {
      throw notMergeable("This branch can't be rebased");
    }
    const committer = githubSignature(site.world.clock.now());
    // The three-way merge takes the commit's parent as its base: a stand-in with the tip's tree on that parent says so.
    const standIn = await git.writeCommit({
      tree: onto.tree,
      parents: [parent],
      author: committer,
      committer,
      message: "",
    });
    const merge = await mergeTrees(git, standIn, oid);
    if (merge.tree === undefined) throw notMergeable("This branch can't be rebased");
    const { author, message } = commit;
    tip = await git.writeCommit({ tree: merge.tree, parents: [tip], author, committer, message });
  }
  return tip;
}

async function deleteHead(site: Site, repository: Repository, pullRequest: PullRequest, caller: Caller): Promise<void> {
  const name = `refs/heads/${pullRequest.headBranch}`;
  const before = await repository.git.refOid(name);
  if (before === undefined) return;
  await repository.git.moveRefs([{ name, before, after: zeroOid }]);
  await announcePush(site, repository, actorOf(caller), [{ name, before, after: zeroOid }]);
}
