import { isAncestor } from "../git/history.ts";
import { zeroOid } from "../git/git-repository.ts";
import { userShape } from "../shapes/account-shape.ts";
import { commitsBetween } from "../git/history.ts";
import { signatureDate } from "../git/objects.ts";
import type { Site } from "../site.ts";
import type { Actor } from "../state/account.ts";
import type { PullRequest } from "../state/pull-request.ts";
import type { Repository } from "../state/repository.ts";
import { compare } from "./comparison.ts";
import { announcePullRequest } from "./pull-request-events.ts";
import { branchOf, type RefChange } from "./ref-rules.ts";

/** Refs have moved, by whatever way: brings the pull requests up to date and sends the webhooks. */
export async function announcePush(
  site: Site,
  repository: Repository,
  actor: Actor,
  changes: readonly RefChange[],
): Promise<void> {
  const now = site.world.clock.now();
  repository.pushedAt = now;
  repository.updatedAt = now;
  for (const change of changes) {
    await sendPush(site, repository, actor, change);
    const branch = branchOf(change.name);
    if (branch === undefined) continue;
    for (const pullRequest of repository.pullRequests.values()) {
      if (pullRequest.state !== "open") continue;
      if (pullRequest.headBranch === branch) await followHead(site, repository, actor, pullRequest, change);
      else if (pullRequest.baseBranch === branch) await followBase(site, repository, actor, pullRequest, change);
    }
  }
}

async function followHead(
  site: Site,
  repository: Repository,
  actor: Actor,
  pullRequest: PullRequest,
  change: RefChange,
): Promise<void> {
  if (change.after === zeroOid) return close(site, repository, actor, pullRequest);
  const base = await repository.git.branchHead(pullRequest.baseBranch);
  const before = pullRequest.headOid;
  pullRequest.headOid = change.after;
  pullRequest.baseOid = base ?? pullRequest.baseOid;
  pullRequest.updatedAt = site.world.clock.now();
  await repository.git.moveRefs([
    { name: `refs/pull/${pullRequest.number}/head`, before: undefined, after: change.after },
  ]);
  await announcePullRequest(site, repository, pullRequest, actor, "synchronize", { before, after: change.after });
  const comparison = base === undefined ? undefined : await compare(repository, base, change.after);
  if (comparison !== undefined && comparison.commits.length > 0) return undefined;
  pullRequest.finalBecause = "its branch has no commits that its base does not have";
  return close(site, repository, actor, pullRequest);
}

async function followBase(
  site: Site,
  repository: Repository,
  actor: Actor,
  pullRequest: PullRequest,
  change: RefChange,
): Promise<void> {
  if (change.after === zeroOid) return close(site, repository, actor, pullRequest);
  if (!(await isAncestor(repository.git, pullRequest.headOid, change.after))) return undefined;
  // Somebody pushed the very commits of the pull request to its base: GitHub calls that merged, too.
  pullRequest.merged = { at: site.world.clock.now(), by: actor, commit: change.after };
  return close(site, repository, actor, pullRequest);
}

async function close(site: Site, repository: Repository, actor: Actor, pullRequest: PullRequest): Promise<void> {
  const now = site.world.clock.now();
  pullRequest.state = "closed";
  pullRequest.closedAt = now;
  pullRequest.updatedAt = now;
  await announcePullRequest(site, repository, pullRequest, actor, "closed");
}

/** The most commits a push event lists. */
const listedCommits = 2048;

async function sendPush(site: Site, repository: Repository, actor: Actor, change: RefChange): Promise<void> {
  const { before, after } = change;
  await site.webhooks.emit({
    event: "push",
    needs: "contents",
    repository,
    sender: actor,
    async payload() {
      const page = site.urls.page(repository);
      const isUpdate = before !== zeroOid && after !== zeroOid;
      const oids = isUpdate ? (await commitsBetween(repository.git, before, after)).slice(-listedCommits) : [];
      const commits = await Promise.all(oids.map((oid) => pushedCommit(site, repository, oid)));
      const pusher = { name: actor.login, email: actor.email };
      return {
        ref: change.name,
        before,
        after,
        base_ref: null,
        created: before === zeroOid,
        deleted: after === zeroOid,
        forced: isUpdate && !(await isAncestor(repository.git, before, after)),
        compare: `${page}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
        commits,
        head_commit: after === zeroOid ? null : await pushedCommit(site, repository, after),
        pusher,
        owner: userShape(site.urls, repository.owner),
      };
    },
  });
}

async function pushedCommit(site: Site, repository: Repository, oid: string): Promise<object | null> {
  const commit = await repository.git.commit(oid);
  if (commit === undefined) return null;
  const person = ({ name, email }: { name: string; email: string }): object => ({ name, email });
  return {
    id: commit.oid,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: signatureDate(commit.committer),
    url: `${site.urls.page(repository)}/commit/${commit.oid}`,
    author: person(commit.author),
    committer: person(commit.committer),
    added: [],
    removed: [],
    modified: [],
  };
}
