import { roleOf } from "../auth/caller.ts";
import { unprocessable } from "../http/refusal.ts";
import type { Site } from "../site.ts";
import type { Actor } from "../state/account.ts";
import { nodeId } from "../state/ids.ts";
import type { PullRequest } from "../state/pull-request.ts";
import type { Repository } from "../state/repository.ts";
import {
  changeableBase,
  checkCommits,
  checkDuplicate,
  checkReopening,
  checkTexts,
  headBranchOf,
  invalidField,
} from "./pull-request-rules.ts";
import { announcePullRequest } from "./pull-request-events.ts";

export interface PullRequestDraft {
  readonly title: string;
  readonly body?: string | undefined;
  /** `branch` or `owner:branch`. */
  readonly head: string;
  readonly base: string;
  readonly isDraft: boolean;
}

/** Opens a pull request. The repository's lock is held. @throws Refusal 422 in each of the ways GitHub refuses. */
export async function openPullRequest(
  site: Site,
  repository: Repository,
  actor: Actor,
  draft: PullRequestDraft,
): Promise<PullRequest> {
  const { world } = site;
  checkTexts(draft);
  const head = headBranchOf(repository, draft.head);
  const headOid = head === undefined ? undefined : await repository.git.branchHead(head);
  const baseOid = await repository.git.branchHead(draft.base);
  if (baseOid === undefined) throw invalidField("base");
  if (head === undefined || headOid === undefined) throw invalidField("head");
  checkDuplicate(repository, head, draft.base);
  await checkCommits(repository, { base: draft.base, baseOid, head, headOid });
  const now = world.clock.now();
  const id = world.ids.next();
  const number = Math.max(0, ...repository.pullRequests.keys()) + 1;
  const pullRequest: PullRequest = {
    id,
    nodeId: nodeId("PullRequest", repository.id, id),
    number,
    author: actor,
    createdAt: now,
    headBranch: head,
    title: draft.title,
    body: draft.body,
    state: "open",
    isDraft: draft.isDraft,
    headOid,
    baseBranch: draft.base,
    baseOid,
    updatedAt: now,
    closedAt: undefined,
    merged: undefined,
    finalBecause: undefined,
    mergeabilityAskedFor: undefined,
    labels: new Map(),
    assignees: new Map(),
    reviewers: new Map(),
    teams: new Map(),
    comments: [],
  };
  world.addPullRequest(repository, pullRequest);
  site.lags.pullRequestOpened(repository, pullRequest);
  await repository.git.moveRefs([{ name: `refs/pull/${number}/head`, before: undefined, after: headOid }]);
  await announcePullRequest(site, repository, pullRequest, actor, "opened");
  return pullRequest;
}

export interface PullRequestEdit {
  readonly title?: string | undefined;
  readonly body?: string | undefined;
  readonly base?: string | undefined;
  readonly state?: "open" | "closed" | undefined;
}

/** Changes what is given and leaves the rest. @throws Refusal 422 */
export async function editPullRequest(
  site: Site,
  repository: Repository,
  pullRequest: PullRequest,
  actor: Actor,
  edit: PullRequestEdit,
): Promise<void> {
  checkTexts(edit);
  const changes: Record<string, unknown> = {};
  if (edit.base !== undefined && edit.base !== pullRequest.baseBranch) {
    const baseOid = await changeableBase(repository, pullRequest, edit.base);
    changes["base"] = { ref: { from: pullRequest.baseBranch }, sha: { from: pullRequest.baseOid } };
    pullRequest.baseBranch = edit.base;
    pullRequest.baseOid = baseOid;
  }
  if (edit.title !== undefined && edit.title !== pullRequest.title) {
    changes["title"] = { from: pullRequest.title };
    pullRequest.title = edit.title;
  }
  if (edit.body !== undefined && edit.body !== (pullRequest.body ?? "")) {
    changes["body"] = { from: pullRequest.body ?? null };
    pullRequest.body = edit.body;
  }
  if (Object.keys(changes).length > 0) {
    pullRequest.updatedAt = site.world.clock.now();
    await announcePullRequest(site, repository, pullRequest, actor, "edited", { changes });
  }
  if (edit.state === "closed") await closePullRequest(site, repository, pullRequest, actor);
  if (edit.state === "open") await reopenPullRequest(site, repository, pullRequest, actor);
}

/** Closing one that is closed changes nothing. */
export async function closePullRequest(
  site: Site,
  repository: Repository,
  pullRequest: PullRequest,
  actor: Actor,
): Promise<void> {
  if (pullRequest.state === "closed") return;
  const now = site.world.clock.now();
  pullRequest.state = "closed";
  pullRequest.closedAt = now;
  pullRequest.updatedAt = now;
  await announcePullRequest(site, repository, pullRequest, actor, "closed");
}

/** Reopening one that is open changes nothing. @throws Refusal 422 when it was merged or its branch does not allow it. */
export async function reopenPullRequest(
  site: Site,
  repository: Repository,
  pullRequest: PullRequest,
  actor: Actor,
): Promise<void> {
  if (pullRequest.state === "open") return;
  await checkReopening(repository, pullRequest);
  const head = await repository.git.branchHead(pullRequest.headBranch);
  const base = await repository.git.branchHead(pullRequest.baseBranch);
  pullRequest.headOid = head ?? pullRequest.headOid;
  pullRequest.baseOid = base ?? pullRequest.baseOid;
  pullRequest.state = "open";
  pullRequest.closedAt = undefined;
  pullRequest.updatedAt = site.world.clock.now();
  const name = `refs/pull/${pullRequest.number}/head`;
  await repository.git.moveRefs([{ name, before: undefined, after: pullRequest.headOid }]);
  await announcePullRequest(site, repository, pullRequest, actor, "reopened");
}

/** Draft or ready. Setting what it is already changes nothing. */
export async function setDraft(
  site: Site,
  repository: Repository,
  pullRequest: PullRequest,
  actor: Actor,
  isDraft: boolean,
): Promise<void> {
  if (pullRequest.state === "closed") throw unprocessable("Pull request is closed");
  if (pullRequest.isDraft === isDraft) return;
  pullRequest.isDraft = isDraft;
  pullRequest.updatedAt = site.world.clock.now();
  const action = isDraft ? "converted_to_draft" : "ready_for_review";
  await announcePullRequest(site, repository, pullRequest, actor, action);
}

/** Whether an actor may change this pull request without write access: its author may. */
export function isOwn(repository: Repository, pullRequest: PullRequest, actor: Actor): boolean {
  return pullRequest.author === actor && (actor.kind === "Bot" || roleOf(actor, repository) !== undefined);
}
