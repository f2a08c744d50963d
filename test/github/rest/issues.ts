import { z } from "zod";
import { announcePullRequest } from "../actions/pull-request-events.ts";
import { actorOf, demand, hasPushAccess } from "../auth/caller.ts";
import { validationFailed } from "../http/refusal.ts";
import { userShape } from "../shapes/account-shape.ts";
import { commentShape, issueShape } from "../shapes/pull-request-shape.ts";
import { nodeId } from "../state/ids.ts";
import { needs } from "../state/permissions.ts";
import { listAnswer } from "./pagination.ts";
import { pullRequestOf } from "./pulls.ts";
import { parseBody, repositoryRoute, type RepositoryRequest, type RestAnswer, type Route } from "./route.ts";

const read = [needs("issues", "read"), needs("pull_requests", "read")];
const write = [needs("issues", "write"), needs("pull_requests", "write")];
const issue = "/repos/{owner}/{repo}/issues/{issue_number}";
const mostAssignees = 10;

/** What a pull request has of an issue: assignees and comments. */
export const issueRoutes: readonly Route[] = [
  repositoryRoute(`GET ${issue}`, read, async (request) => ({
    status: 200,
    body: issueShape(request.site.urls, request.repository, pullRequestOf(request, "issue_number")),
  })),
  repositoryRoute(`POST ${issue}/assignees`, write, addAssignees),
  repositoryRoute(`DELETE ${issue}/assignees`, write, removeAssignees),
  repositoryRoute(`GET ${issue}/comments`, read, async (request) => {
    const { site, repository } = request;
    const { comments, number } = pullRequestOf(request, "issue_number");
    return listAnswer(request, comments, (comment) => commentShape(site.urls, repository, number, comment));
  }),
  // Whoever can read can comment, but an App needs write.
  repositoryRoute(`POST ${issue}/comments`, read, createComment),
];

const login = z.union([z.string(), z.object({ login: z.string() }).transform(({ login }) => login)]);
const assigneesRequest = z.object({ assignees: z.array(login).default([]) });

/** Adds those who can push; the rest, and those beyond ten, are left out in silence, as at GitHub. */
async function addAssignees(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository, caller } = request;
  const pullRequest = pullRequestOf(request, "issue_number");
  const actor = actorOf(caller);
  for (const name of parseBody(request, assigneesRequest).assignees) {
    const user = site.world.user(name);
    if (user === undefined || !hasPushAccess(user, repository)) continue;
    if (pullRequest.assignees.has(user.nodeId) || pullRequest.assignees.size >= mostAssignees) continue;
    pullRequest.assignees.set(user.nodeId, user);
    pullRequest.updatedAt = site.world.clock.now();
    const details = { assignee: userShape(site.urls, user) };
    await announcePullRequest(site, repository, pullRequest, actor, "assigned", details);
  }
  return { status: 201, body: issueShape(site.urls, repository, pullRequest) };
}

async function removeAssignees(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository, caller } = request;
  const pullRequest = pullRequestOf(request, "issue_number");
  for (const name of parseBody(request, assigneesRequest).assignees) {
    const user = site.world.user(name);
    if (user === undefined || !pullRequest.assignees.delete(user.nodeId)) continue;
    pullRequest.updatedAt = site.world.clock.now();
    const details = { assignee: userShape(site.urls, user) };
    await announcePullRequest(site, repository, pullRequest, actorOf(caller), "unassigned", details);
  }
  return { status: 200, body: issueShape(site.urls, repository, pullRequest) };
}

const commentRequest = z.object({ body: z.string() });

async function createComment(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository, caller } = request;
  if (caller.kind !== "user") demand(caller, repository, write);
  const pullRequest = pullRequestOf(request, "issue_number");
  const { body } = parseBody(request, commentRequest);
  if (body.trim() === "") throw validationFailed({ resource: "IssueComment", code: "missing_field", field: "body" });
  const id = site.world.ids.next();
  const comment = {
    id,
    nodeId: nodeId("IssueComment", repository.id, id),
    author: actorOf(caller),
    body,
    createdAt: site.world.clock.now(),
  };
  pullRequest.comments.push(comment);
  pullRequest.updatedAt = comment.createdAt;
  const shape = commentShape(site.urls, repository, pullRequest.number, comment);
  return { status: 201, body: shape, headers: { location: String(shape["url"]) } };
}
