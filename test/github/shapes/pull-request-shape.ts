import { roleOf } from "../auth/caller.ts";
import type { Site, Urls } from "../site.ts";
import type { Comment, Label, PullRequest } from "../state/pull-request.ts";
import type { Repository } from "../state/repository.ts";
import type { Actor } from "../state/account.ts";
import { mergeabilityOf } from "../actions/mergeability.ts";
import { statisticsOf } from "../actions/comparison.ts";
import { teamShape, userShape } from "./account-shape.ts";
import { instant, instantOrNull, repositoryShape } from "./repository-shape.ts";

export function labelShape(urls: Urls, repository: Repository, label: Label): Record<string, unknown> {
  return {
    id: label.id,
    node_id: label.nodeId,
    url: `${urls.repository(repository)}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    description: label.description ?? null,
    color: label.color,
    default: false,
  };
}

/** What somebody is to a repository, as `author_association`. */
export function associationOf(repository: Repository, author: Actor): string {
  if (author.kind === "Bot") return "CONTRIBUTOR";
  if (repository.owner === author) return "OWNER";
  const { owner } = repository;
  if (owner.kind === "Organization" && owner.members.has(author.login.toLowerCase())) return "MEMBER";
  return roleOf(author, repository) === undefined ? "NONE" : "COLLABORATOR";
}

/** `pull-request-simple` of the OpenAPI description, as lists carry it. */
export async function pullRequestSimpleShape(
  site: Site,
  repository: Repository,
  pullRequest: PullRequest,
): Promise<Record<string, unknown>> {
  const { urls } = site;
  const api = `${urls.repository(repository)}/pulls/${pullRequest.number}`;
  const issue = `${urls.repository(repository)}/issues/${pullRequest.number}`;
  const page = `${urls.page(repository)}/pull/${pullRequest.number}`;
  const statuses = `${urls.repository(repository)}/statuses/${pullRequest.headOid}`;
  const reviewComment = `${urls.repository(repository)}/pulls/comments{/number}`;
  const repo = await repositoryShape(urls, repository);
  const owner = userShape(urls, repository.owner);
  const side = (ref: string, sha: string): object => ({
    label: `${repository.owner.login}:${ref}`,
    ref,
    sha,
    user: owner,
    repo,
  });
  const assignees = [...pullRequest.assignees.values()].map((account) => userShape(urls, account));
  const organization = repository.owner.kind === "Organization" ? repository.owner : undefined;
  return {
    url: api,
    id: pullRequest.id,
    node_id: pullRequest.nodeId,
    html_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    issue_url: issue,
    number: pullRequest.number,
    state: pullRequest.state,
    locked: false,
    title: pullRequest.title,
    user: userShape(urls, pullRequest.author),
    body: pullRequest.body ?? null,
    created_at: instant(pullRequest.createdAt),
    updated_at: instant(pullRequest.updatedAt),
    closed_at: instantOrNull(pullRequest.closedAt),
    merged_at: instantOrNull(pullRequest.merged?.at),
    merge_commit_sha: pullRequest.merged?.commit ?? null,
    assignee: assignees[0] ?? null,
    assignees,
    requested_reviewers: [...pullRequest.reviewers.values()].map((user) => userShape(urls, user)),
    requested_teams:
      organization === undefined
        ? []
        : [...pullRequest.teams.values()].map((team) => teamShape(urls, organization, team)),
    labels: [...pullRequest.labels.values()].map((label) => labelShape(urls, repository, label)),
    milestone: null,
    draft: pullRequest.isDraft,
    commits_url: `${api}/commits`,
    review_comments_url: `${api}/comments`,
    review_comment_url: reviewComment,
    comments_url: `${issue}/comments`,
    statuses_url: statuses,
    head: side(pullRequest.headBranch, pullRequest.headOid),
    base: side(pullRequest.baseBranch, pullRequest.baseOid),
    _links: {
      self: { href: api },
      html: { href: page },
      issue: { href: issue },
      comments: { href: `${issue}/comments` },
      review_comments: { href: `${api}/comments` },
      review_comment: { href: reviewComment },
      commits: { href: `${api}/commits` },
      statuses: { href: statuses },
    },
    author_association: associationOf(repository, pullRequest.author),
    auto_merge: null,
    active_lock_reason: null,
  };
}

/** `pull-request` of the OpenAPI description, with what has to be computed. */
export async function pullRequestShape(
  site: Site,
  repository: Repository,
  pullRequest: PullRequest,
  mergeability: "unknown" | "ask",
): Promise<Record<string, unknown>> {
  const [simple, statistics, answer] = await Promise.all([
    pullRequestSimpleShape(site, repository, pullRequest),
    statisticsOf(repository, pullRequest),
    mergeability === "ask" ? mergeabilityOf(repository, pullRequest) : undefined,
  ]);
  return {
    ...simple,
    merged: pullRequest.merged !== undefined,
    mergeable: answer?.mergeable ?? null,
    rebaseable: answer?.mergeable ?? null,
    mergeable_state: answer?.state.toLowerCase() ?? "unknown",
    merged_by: pullRequest.merged === undefined ? null : userShape(site.urls, pullRequest.merged.by),
    comments: pullRequest.comments.length,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: statistics.commits,
    additions: statistics.additions,
    deletions: statistics.deletions,
    changed_files: statistics.changedFiles,
  };
}

/** `issue` of the OpenAPI description: a pull request, seen as the issue that it also is. */
export function issueShape(urls: Urls, repository: Repository, pullRequest: PullRequest): Record<string, unknown> {
  const api = `${urls.repository(repository)}/issues/${pullRequest.number}`;
  const pull = `${urls.repository(repository)}/pulls/${pullRequest.number}`;
  const page = `${urls.page(repository)}/pull/${pullRequest.number}`;
  const assignees = [...pullRequest.assignees.values()].map((account) => userShape(urls, account));
  return {
    url: api,
    repository_url: urls.repository(repository),
    labels_url: `${api}/labels{/name}`,
    comments_url: `${api}/comments`,
    events_url: `${api}/events`,
    html_url: page,
    id: pullRequest.id,
    node_id: pullRequest.nodeId,
    number: pullRequest.number,
    title: pullRequest.title,
    user: userShape(urls, pullRequest.author),
    labels: [...pullRequest.labels.values()].map((label) => labelShape(urls, repository, label)),
    state: pullRequest.state,
    locked: false,
    assignee: assignees[0] ?? null,
    assignees,
    milestone: null,
    comments: pullRequest.comments.length,
    created_at: instant(pullRequest.createdAt),
    updated_at: instant(pullRequest.updatedAt),
    closed_at: instantOrNull(pullRequest.closedAt),
    author_association: associationOf(repository, pullRequest.author),
    active_lock_reason: null,
    draft: pullRequest.isDraft,
    pull_request: {
      url: pull,
      html_url: page,
      diff_url: `${page}.diff`,
      patch_url: `${page}.patch`,
      merged_at: instantOrNull(pullRequest.merged?.at),
    },
    body: pullRequest.body ?? null,
  };
}

/** `issue-comment` of the OpenAPI description. */
export function commentShape(
  urls: Urls,
  repository: Repository,
  number: number,
  comment: Comment,
): Record<string, unknown> {
  return {
    id: comment.id,
    node_id: comment.nodeId,
    url: `${urls.repository(repository)}/issues/comments/${comment.id}`,
    html_url: `${urls.page(repository)}/pull/${number}#issuecomment-${comment.id}`,
    issue_url: `${urls.repository(repository)}/issues/${number}`,
    body: comment.body,
    user: userShape(urls, comment.author),
    created_at: instant(comment.createdAt),
    updated_at: instant(comment.createdAt),
    author_association: associationOf(repository, comment.author),
  };
}
