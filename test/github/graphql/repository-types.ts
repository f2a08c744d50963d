import { may } from "../auth/caller.ts";
import { Refusal } from "../http/refusal.ts";
import { instant } from "../shapes/repository-shape.ts";
import { nodeId } from "../state/ids.ts";
import { needs } from "../state/permissions.ts";
import type { PullRequest } from "../state/pull-request.ts";
import { fullName, protectionOf, type Repository } from "../state/repository.ts";
import { connectionResolvers, page } from "./connection.ts";
import { accountObject, gitObject, pullRequestObject, refObject, repositoryObject, type RefSource } from "./objects.ts";
import { ordered } from "./ordering.ts";
import {
  object,
  optionalNumber,
  optionalText,
  text,
  type Arguments,
  type FieldResolvers,
  type GraphqlContext,
  type GraphqlObject,
} from "./resolver.ts";
import { demandAny } from "./visibility.ts";

const read = needs("contents", "read");

export const repositoryResolvers: FieldResolvers<Repository> = {
  id: (repository) => repository.nodeId,
  databaseId: (repository) => repository.id,
  name: (repository) => repository.name,
  nameWithOwner: (repository) => fullName(repository),
  owner: (repository) => accountObject(repository.owner),
  description: (repository) => repository.description ?? null,
  url: (repository, _, { site }) => site.urls.page(repository),
  resourcePath: (repository) => `/${fullName(repository)}`,
  homepageUrl: () => null,
  mirrorUrl: () => null,
  sshUrl: (repository, _, { site }) => `git@${new URL(site.urls.root).hostname}:${fullName(repository)}.git`,
  createdAt: (repository) => instant(repository.createdAt),
  updatedAt: (repository) => instant(repository.updatedAt),
  pushedAt: (repository) => instant(repository.pushedAt),
  archivedAt: (repository) => (repository.isArchived ? instant(repository.updatedAt) : null),
  diskUsage: (repository) => repository.sizeKb,
  isArchived: (repository) => repository.isArchived,
  isDisabled: (repository) => repository.isDisabled,
  isEmpty: async ({ git }) => {
    if ((await git.branchHead(await git.headBranch())) !== undefined) return false;
    return (await git.refs("refs/heads/")).length === 0;
  },
  isFork: (repository) => repository.isFork,
  isInOrganization: (repository) => repository.owner.kind === "Organization",
  isLocked: (repository) => repository.lockReason !== undefined,
  isMirror: () => false,
  isPrivate: (repository) => repository.visibility !== "public",
  isTemplate: (repository) => repository.isTemplate,
  lockReason: (repository) => repository.lockReason ?? null,
  visibility: (repository) => repository.visibility.toUpperCase(),
  stargazerCount: () => 0,
  forkCount: () => 0,
  // Apps have no role of their own, so GitHub answers null to them.
  viewerPermission: (repository, _, { caller }) => {
    if (caller.kind !== "user") return null;
    if (may(caller, repository, [needs("administration", "write")])) return "ADMIN";
    return may(caller, repository, [needs("contents", "write")]) ? "WRITE" : "READ";
  },
  autoMergeAllowed: () => false,
  mergeCommitAllowed: () => true,
  squashMergeAllowed: () => true,
  rebaseMergeAllowed: () => true,
  deleteBranchOnMerge: (repository) => repository.deletesBranchOnMerge,
  primaryLanguage: (repository) => (repository.language === undefined ? null : object("Language", repository.language)),
  repositoryTopics: (repository, args) => {
    const topics = repository.topics.map((topic) => object("RepositoryTopic", { repository, topic }));
    return page("RepositoryTopicConnection", topics, args, "repositoryTopics");
  },
  defaultBranchRef: async (repository, _, context) => {
    demandAny(context, repository, read);
    return shownRef(context, repository, `refs/heads/${await repository.git.headBranch()}`);
  },
  ref: async (repository, args, context) => {
    demandAny(context, repository, read);
    const name = text(args, "qualifiedName");
    if (name.startsWith("refs/")) return shownRef(context, repository, name);
    const branch = await shownRef(context, repository, `refs/heads/${name}`);
    return branch ?? shownRef(context, repository, `refs/tags/${name}`);
  },
  refs: async (repository, args, context) => {
    demandAny(context, repository, read);
    const prefix = text(args, "refPrefix");
    const query = optionalText(args, "query") ?? "";
    const refs = (await repository.git.refs(prefix)).filter(({ name }) => name.slice(prefix.length).includes(query));
    return page(
      "RefConnection",
      refs.map((found) => object("Ref", { repository, ...found })),
      args,
      "refs",
    );
  },
  object: async (repository, args, context) => {
    demandAny(context, repository, read);
    return gitObject(repository, optionalText(args, "oid") ?? optionalText(args, "expression") ?? "");
  },
  pullRequest: (repository, args, context) => {
    demandAny(context, repository, needs("pull_requests", "read"));
    const number = optionalNumber(args, "number") ?? 0;
    const found = repository.pullRequests.get(number);
    if (found === undefined || context.site.lags.hides("pull-request", found)) throw noPullRequest(number);
    return pullRequestObject(repository, found);
  },
  pullRequests: (repository, args, context) => {
    demandAny(context, repository, needs("pull_requests", "read"));
    const found = ordered(
      [...repository.pullRequests.values()].filter(
        (candidate) => isWanted(candidate, args) && !context.site.lags.hides("pull-request-list", candidate),
      ),
      args,
      {
        CREATED_AT: (candidate) => candidate.createdAt.getTime(),
        UPDATED_AT: (candidate) => candidate.updatedAt.getTime(),
        COMMENTS: (candidate) => candidate.comments.length,
      },
    );
    const nodes = found.map((candidate) => pullRequestObject(repository, candidate));
    return page("PullRequestConnection", nodes, args, "pullRequests");
  },
};

/** A ref as reads show it, which may be as it was before the last write. */
async function shownRef(context: GraphqlContext, repository: Repository, name: string): ReturnType<typeof refObject> {
  const old = context.site.lags.oldRef(repository, name);
  if (old === undefined) return refObject(repository, name);
  const target = old.oid === undefined ? undefined : await repository.git.read(old.oid);
  return target === undefined ? null : object("Ref", { repository, name, oid: target.oid, type: target.type });
}

function noPullRequest(number: number): Refusal {
  return new Refusal(404, `Could not resolve to a PullRequest with the number of ${number}.`, { type: "NOT_FOUND" });
}

function isWanted(pullRequest: PullRequest, args: Arguments): boolean {
  const { states, labels } = args;
  const state = pullRequest.merged === undefined ? pullRequest.state.toUpperCase() : "MERGED";
  const head = optionalText(args, "headRefName");
  const base = optionalText(args, "baseRefName");
  return (
    (!Array.isArray(states) || states.includes(state)) &&
    (!Array.isArray(labels) || [...pullRequest.labels.values()].some((label) => labels.includes(label.name))) &&
    (head === undefined || head === pullRequest.headBranch) &&
    (base === undefined || base === pullRequest.baseBranch)
  );
}

export const refResolvers: FieldResolvers<RefSource> = {
  id: ({ repository, name }) => nodeId("Ref", repository.id, name),
  name: ({ name }) => name.replace(/^refs\/(?:heads|tags)\//, ""),
  prefix: ({ name }) => /^refs\/[^/]+\//.exec(name)?.[0] ?? "refs/",
  repository: ({ repository }) => repositoryObject(repository),
  target: ({ repository, oid }) => gitObject(repository, oid),
  branchProtectionRule: ({ repository, name }) => {
    const branch = name.replace(/^refs\/heads\//, "");
    if (protectionOf(repository, branch) === undefined) return null;
    throw new Refusal(200, "The local GitHub shows branch protection over REST only (GET …/rules/branches/{branch}).");
  },
  associatedPullRequests: ({ repository, name }, args, { site }) => {
    const branch = name.replace(/^refs\/heads\//, "");
    const found = [...repository.pullRequests.values()].filter(
      (candidate) =>
        candidate.headBranch === branch &&
        isWanted(candidate, args) &&
        !site.lags.hides("pull-request-list", candidate),
    );
    const nodes = found.map((candidate) => pullRequestObject(repository, candidate));
    return page("PullRequestConnection", nodes, args, "associatedPullRequests");
  },
};

export const refConnectionResolvers = connectionResolvers("RefEdge");
export const repositoryConnectionResolvers = connectionResolvers("RepositoryEdge", {
  totalDiskUsage: ({ nodes }) =>
    // The nodes of this connection are repositories, as `page` was given them.
    (nodes as readonly GraphqlObject<Repository>[]).reduce((total, { source }) => total + source.sizeKb, 0),
});
export const topicConnectionResolvers = connectionResolvers("RepositoryTopicEdge");

export const languageResolvers: FieldResolvers<string> = {
  id: (language) => nodeId("Language", language),
  name: (language) => language,
  color: () => null,
};

export const repositoryTopicResolvers: FieldResolvers<{ readonly repository: Repository; readonly topic: string }> = {
  id: ({ repository, topic }) => nodeId("RepositoryTopic", repository.id, topic),
  topic: ({ topic }) => object("Topic", topic),
  url: ({ topic }, _, { site }) => `${site.urls.root}/topics/${topic}`,
  resourcePath: ({ topic }) => `/topics/${topic}`,
};

export const topicResolvers: FieldResolvers<string> = {
  id: (topic) => nodeId("Topic", topic),
  name: (topic) => topic,
};
