import { z } from "zod";
import { commitsOf, filesOf } from "../actions/comparison.ts";
import { mergePullRequest } from "../actions/merging.ts";
import { editPullRequest, isOwn, openPullRequest } from "../actions/pull-requests.ts";
import { actorOf, demand } from "../auth/caller.ts";
import { notFound } from "../http/refusal.ts";
import { commitShape } from "../shapes/git-shape.ts";
import { pullRequestShape, pullRequestSimpleShape } from "../shapes/pull-request-shape.ts";
import { needs } from "../state/permissions.ts";
import type { PullRequest } from "../state/pull-request.ts";
import { listAnswer } from "./pagination.ts";
import {
  numberParam,
  parseBody,
  repositoryRoute,
  type RepositoryRequest,
  type RestAnswer,
  type Route,
} from "./route.ts";

const read = [needs("pull_requests", "read")];
const write = [needs("pull_requests", "write")];
const pull = "/repos/{owner}/{repo}/pulls/{pull_number}";

export const pullRoutes: readonly Route[] = [
  repositoryRoute("GET /repos/{owner}/{repo}/pulls", read, listPulls),
  repositoryRoute("POST /repos/{owner}/{repo}/pulls", write, createPull),
  repositoryRoute(`GET ${pull}`, read, async (request) => {
    const { site, repository } = request;
    return { status: 200, body: await pullRequestShape(site, repository, pullRequestOf(request), "ask") };
  }),
  // The author may edit and close; everybody else needs write access, which is asked for in the handler.
  repositoryRoute(`PATCH ${pull}`, read, updatePull),
  repositoryRoute(`GET ${pull}/commits`, read, async (request) => {
    const { site, repository } = request;
    const oids = await commitsOf(repository, pullRequestOf(request));
    return listAnswer(request, oids, async (oid) => {
      const commit = await repository.git.commit(oid);
      if (commit === undefined) throw notFound();
      return commitShape(site, repository, commit);
    });
  }),
  repositoryRoute(`GET ${pull}/files`, read, listFiles),
  repositoryRoute(`PUT ${pull}/merge`, [needs("contents", "write")], mergePull),
  repositoryRoute(`GET ${pull}/merge`, read, async (request) => {
    if (pullRequestOf(request).merged === undefined) throw notFound();
    return { status: 204 };
  }),
];

/** The pull request that the path names. @throws Refusal 404 */
export function pullRequestOf(request: RepositoryRequest, name = "pull_number"): PullRequest {
  const pullRequest = request.repository.pullRequests.get(numberParam(request, name));
  if (pullRequest === undefined || request.site.lags.hides("pull-request", pullRequest)) throw notFound();
  return pullRequest;
}

async function listPulls(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository, query } = request;
  const state = query.get("state") ?? "open";
  const head = query.get("head");
  const base = query.get("base");
  const owner = repository.owner.login.toLowerCase();
  const found = [...repository.pullRequests.values()].filter((candidate) => {
    // GitHub ignores a head without its owner.
    const isHead =
      head?.includes(":") !== true ||
      (head.slice(0, head.indexOf(":")).toLowerCase() === owner &&
        head.slice(head.indexOf(":") + 1) === candidate.headBranch);
    const isBase = base === null || base === candidate.baseBranch;
    const isWanted = (state === "all" || state === candidate.state) && isHead && isBase;
    return isWanted && !site.lags.hides("pull-request-list", candidate);
  });
  const sort = query.get("sort") === "updated" ? "updatedAt" : "createdAt";
  const direction = query.get("direction") ?? (query.has("sort") ? "asc" : "desc");
  found.sort((left, right) => left[sort].getTime() - right[sort].getTime() || left.number - right.number);
  if (direction === "desc") found.reverse();
  return listAnswer(request, found, (item) => pullRequestSimpleShape(site, repository, item));
}

const createRequest = z.object({
  title: z.string().optional(),
  head: z.string(),
  base: z.string(),
  body: z.string().nullable().optional(),
  draft: z.boolean().default(false),
});

async function createPull(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository, caller } = request;
  const wanted = parseBody(request, createRequest);
  const pullRequest = await openPullRequest(site, repository, actorOf(caller), {
    title: wanted.title ?? "",
    body: wanted.body ?? undefined,
    head: wanted.head,
    base: wanted.base,
    isDraft: wanted.draft,
  });
  const body = await pullRequestShape(site, repository, pullRequest, "unknown");
  return { status: 201, body, headers: { location: String(body["url"]) } };
}

const updateRequest = z.object({
  title: z.string().optional(),
  body: z.string().nullable().optional(),
  state: z.enum(["open", "closed"]).optional(),
  base: z.string().optional(),
});

async function updatePull(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository, caller } = request;
  const pullRequest = pullRequestOf(request);
  const isAuthor = caller.kind === "user" && isOwn(repository, pullRequest, caller.actor);
  if (!isAuthor) demand(caller, repository, write);
  const { body, ...wanted } = parseBody(request, updateRequest);
  const edit = { ...wanted, ...(body === undefined ? {} : { body: body ?? "" }) };
  await editPullRequest(site, repository, pullRequest, actorOf(caller), edit);
  return { status: 200, body: await pullRequestShape(site, repository, pullRequest, "ask") };
}

async function listFiles(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository } = request;
  const pullRequest = pullRequestOf(request);
  const page = site.urls.page(repository);
  return listAnswer(request, await filesOf(repository, pullRequest), (file) => {
    const path = file.path.split("/").map(encodeURIComponent).join("/");
    return {
      sha: file.oid,
      filename: file.path,
      status: file.status,
      additions: file.additions,
      deletions: file.deletions,
      changes: file.additions + file.deletions,
      blob_url: `${page}/blob/${pullRequest.headOid}/${path}`,
      raw_url: `${page}/raw/${pullRequest.headOid}/${path}`,
      contents_url: `${site.urls.repository(repository)}/contents/${path}?ref=${pullRequest.headOid}`,
      ...(file.patch === undefined ? {} : { patch: file.patch }),
      ...(file.previousPath === undefined ? {} : { previous_filename: file.previousPath }),
    };
  });
}

const mergeRequest = z.object({
  commit_title: z.string().optional(),
  commit_message: z.string().optional(),
  sha: z.string().optional(),
  merge_method: z.enum(["merge", "squash", "rebase"]).default("merge"),
});

async function mergePull(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository, caller } = request;
  const pullRequest = pullRequestOf(request);
  const wanted = parseBody(request, mergeRequest);
  const sha = await mergePullRequest(site, repository, pullRequest, caller, {
    method: wanted.merge_method,
    title: wanted.commit_title,
    message: wanted.commit_message,
    expectedHead: wanted.sha,
  });
  return { status: 200, body: { sha, merged: true, message: "Pull Request successfully merged" } };
}
