import { commitsOf, filesOf, statisticsOf } from "../actions/comparison.ts";
import { mergeabilityOf } from "../actions/mergeability.ts";
import { instant, instantOrNull } from "../shapes/repository-shape.ts";
import { associationOf } from "../shapes/pull-request-shape.ts";
import type { FileDiff } from "../git/diff.ts";
import { nodeId } from "../state/ids.ts";
import type { Comment, Label } from "../state/pull-request.ts";
import type { Repository } from "../state/repository.ts";
import { connectionResolvers, page } from "./connection.ts";
import {
  accountObject,
  commitObject,
  pullRequestObject,
  refObject,
  repositoryObject,
  type PullRequestSource,
} from "./objects.ts";
import { object, type FieldResolvers } from "./resolver.ts";

export const pullRequestResolvers: FieldResolvers<PullRequestSource> = {
  id: ({ pullRequest }) => pullRequest.nodeId,
  databaseId: ({ pullRequest }) => pullRequest.id,
  fullDatabaseId: ({ pullRequest }) => String(pullRequest.id),
  number: ({ pullRequest }) => pullRequest.number,
  title: ({ pullRequest }) => pullRequest.title,
  body: ({ pullRequest }) => pullRequest.body ?? "",
  bodyText: ({ pullRequest }) => pullRequest.body ?? "",
  url: ({ repository, pullRequest }, _, { site }) => `${site.urls.page(repository)}/pull/${pullRequest.number}`,
  permalink: ({ repository, pullRequest }, _, { site }) => `${site.urls.page(repository)}/pull/${pullRequest.number}`,
  state: ({ pullRequest }) => (pullRequest.merged === undefined ? pullRequest.state.toUpperCase() : "MERGED"),
  closed: ({ pullRequest }) => pullRequest.state === "closed",
  merged: ({ pullRequest }) => pullRequest.merged !== undefined,
  isDraft: ({ pullRequest }) => pullRequest.isDraft,
  locked: () => false,
  activeLockReason: () => null,
  isCrossRepository: () => false,
  isInMergeQueue: () => false,
  isMergeQueueEnabled: () => false,
  mergeQueue: () => null,
  mergeQueueEntry: () => null,
  autoMergeRequest: () => null,
  maintainerCanModify: () => false,
  // Nobody reviews or runs checks here.
  reviewDecision: () => null,
  statusCheckRollup: () => null,
  milestone: () => null,
  author: ({ pullRequest }) => accountObject(pullRequest.author),
  authorAssociation: ({ repository, pullRequest }) => associationOf(repository, pullRequest.author),
  repository: ({ repository }) => repositoryObject(repository),
  baseRepository: ({ repository }) => repositoryObject(repository),
  headRepository: ({ repository }) => repositoryObject(repository),
  headRepositoryOwner: ({ repository }) => accountObject(repository.owner),
  headRefName: ({ pullRequest }) => pullRequest.headBranch,
  headRefOid: ({ pullRequest }) => pullRequest.headOid,
  baseRefName: ({ pullRequest }) => pullRequest.baseBranch,
  baseRefOid: ({ pullRequest }) => pullRequest.baseOid,
  headRef: ({ repository, pullRequest }) => refObject(repository, `refs/heads/${pullRequest.headBranch}`),
  baseRef: ({ repository, pullRequest }) => refObject(repository, `refs/heads/${pullRequest.baseBranch}`),
  createdAt: ({ pullRequest }) => instant(pullRequest.createdAt),
  publishedAt: ({ pullRequest }) => instant(pullRequest.createdAt),
  updatedAt: ({ pullRequest }) => instant(pullRequest.updatedAt),
  closedAt: ({ pullRequest }) => instantOrNull(pullRequest.closedAt),
  mergedAt: ({ pullRequest }) => instantOrNull(pullRequest.merged?.at),
  mergedBy: ({ pullRequest }) => (pullRequest.merged === undefined ? null : accountObject(pullRequest.merged.by)),
  mergeCommit: ({ repository, pullRequest }) =>
    pullRequest.merged === undefined ? null : commitObject(repository, pullRequest.merged.commit),
  mergeable: async ({ repository, pullRequest }) => {
    const { mergeable } = await mergeabilityOf(repository, pullRequest);
    if (mergeable === undefined) return "UNKNOWN";
    return mergeable ? "MERGEABLE" : "CONFLICTING";
  },
  mergeStateStatus: async ({ repository, pullRequest }) => (await mergeabilityOf(repository, pullRequest)).state,
  additions: async ({ repository, pullRequest }) => (await statisticsOf(repository, pullRequest)).additions,
  deletions: async ({ repository, pullRequest }) => (await statisticsOf(repository, pullRequest)).deletions,
  changedFiles: async ({ repository, pullRequest }) => (await statisticsOf(repository, pullRequest)).changedFiles,
  totalCommentsCount: ({ pullRequest }) => pullRequest.comments.length,
  labels: ({ repository, pullRequest }, args) => {
    const labels = [...pullRequest.labels.values()].map((label) => object("Label", { repository, label }));
    return page("LabelConnection", labels, args, "labels");
  },
  assignees: ({ pullRequest }, args) =>
    page("UserConnection", [...pullRequest.assignees.values()].map(accountObject), args, "assignees"),
  reviewRequests: ({ pullRequest }, args) => {
    const users = [...pullRequest.reviewers.values()].map(accountObject);
    const teams = [...pullRequest.teams.values()].map((team) => object("Team", team));
    const requests = [...users, ...teams].map((reviewer) => object("ReviewRequest", { pullRequest, reviewer }));
    return page("ReviewRequestConnection", requests, args, "reviewRequests");
  },
  comments: ({ repository, pullRequest }, args) => {
    const comments = pullRequest.comments.map((comment) => object("IssueComment", { repository, comment }));
    return page("IssueCommentConnection", comments, args, "comments");
  },
  commits: async (source, args) => {
    const { repository, pullRequest } = source;
    const commits = (await commitsOf(repository, pullRequest)).map((oid) =>
      object("PullRequestCommit", { source, oid }),
    );
    return page("PullRequestCommitConnection", commits, args, "commits");
  },
  files: async ({ repository, pullRequest }, args) => {
    const files = (await filesOf(repository, pullRequest)).map((file) => object("PullRequestChangedFile", file));
    return page("PullRequestChangedFileConnection", files, args, "files");
  },
};

interface LabelSource {
  readonly repository: Repository;
  readonly label: Label;
}

export const labelResolvers: FieldResolvers<LabelSource> = {
  id: ({ label }) => label.nodeId,
  name: ({ label }) => label.name,
  color: ({ label }) => label.color,
  description: ({ label }) => label.description ?? null,
  isDefault: () => false,
  repository: ({ repository }) => repositoryObject(repository),
  url: ({ repository, label }, _, { site }) => `${site.urls.page(repository)}/labels/${encodeURIComponent(label.name)}`,
};

export const reviewRequestResolvers: FieldResolvers<{
  readonly pullRequest: PullRequestSource["pullRequest"];
  readonly reviewer: { readonly source: { readonly id: number } };
}> = {
  id: ({ pullRequest, reviewer }) => nodeId("PullRequest", pullRequest.id, "reviewer", reviewer.source.id),
  requestedReviewer: ({ reviewer }) => reviewer,
  asCodeOwner: () => false,
};

export const commentResolvers: FieldResolvers<{ readonly repository: Repository; readonly comment: Comment }> = {
  id: ({ comment }) => comment.nodeId,
  databaseId: ({ comment }) => comment.id,
  body: ({ comment }) => comment.body,
  author: ({ comment }) => accountObject(comment.author),
  createdAt: ({ comment }) => instant(comment.createdAt),
  repository: ({ repository }) => repositoryObject(repository),
};

export const pullRequestCommitResolvers: FieldResolvers<{ readonly source: PullRequestSource; readonly oid: string }> =
  {
    id: ({ source, oid }) => nodeId("Commit", source.pullRequest.id, oid),
    commit: ({ source, oid }) => commitObject(source.repository, oid),
    pullRequest: ({ source }) => pullRequestObject(source.repository, source.pullRequest),
  };

export const changedFileResolvers: FieldResolvers<FileDiff> = {
  path: ({ path }) => path,
  additions: ({ additions }) => additions,
  deletions: ({ deletions }) => deletions,
  changeType: ({ status }) => (status === "removed" ? "DELETED" : status.toUpperCase()),
};

export const connections = {
  LabelConnection: connectionResolvers("LabelEdge"),
  UserConnection: connectionResolvers("UserEdge"),
  ReviewRequestConnection: connectionResolvers("ReviewRequestEdge"),
  IssueCommentConnection: connectionResolvers("IssueCommentEdge"),
  PullRequestConnection: connectionResolvers("PullRequestEdge"),
  PullRequestCommitConnection: connectionResolvers("PullRequestCommitEdge"),
  PullRequestChangedFileConnection: connectionResolvers("PullRequestChangedFileEdge"),
};
