import { z } from "zod";
import { announcePullRequest } from "../actions/pull-request-events.ts";
import { actorOf, roleOf } from "../auth/caller.ts";
import { unprocessable } from "../http/refusal.ts";
import { teamShape, userShape } from "../shapes/account-shape.ts";
import { pullRequestSimpleShape } from "../shapes/pull-request-shape.ts";
import type { Organization, Team, User } from "../state/account.ts";
import { grants, needs } from "../state/permissions.ts";
import { fullName } from "../state/repository.ts";
import type { PullRequest } from "../state/pull-request.ts";
import { lacksPermission } from "../http/refusal.ts";
import { pullRequestOf } from "./pulls.ts";
import { parseBody, repositoryRoute, type RepositoryRequest, type RestAnswer, type Route } from "./route.ts";

const reviewers = "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers";
const write = [needs("pull_requests", "write")];

/** Who is asked to review a pull request. */
export const reviewerRoutes: readonly Route[] = [
  repositoryRoute(`GET ${reviewers}`, [needs("pull_requests", "read")], async (request) => {
    const pullRequest = pullRequestOf(request);
    return {
      status: 200,
      body: {
        users: [...pullRequest.reviewers.values()].map((user) => userShape(request.site.urls, user)),
        teams: [...pullRequest.teams.values()].map((team) => shapeOf(request, team)),
      },
    };
  }),
  repositoryRoute(`POST ${reviewers}`, write, requestReviewers),
  repositoryRoute(`DELETE ${reviewers}`, write, removeReviewers),
];

const reviewersRequest = z.object({
  reviewers: z.array(z.string()).default([]),
  team_reviewers: z.array(z.string()).default([]),
});

/** All or nothing: one person or team that cannot review fails the whole call. */
async function requestReviewers(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository } = request;
  const pullRequest = pullRequestOf(request);
  const wanted = parseBody(request, reviewersRequest);
  const users = wanted.reviewers.map((login) => reviewer(request, pullRequest, login));
  const teams = wanted.team_reviewers.map((slug) => reviewingTeam(request, slug));
  for (const user of users) {
    if (pullRequest.reviewers.has(user.nodeId)) continue;
    pullRequest.reviewers.set(user.nodeId, user);
    await announce(request, pullRequest, "review_requested", { requested_reviewer: userShape(site.urls, user) });
  }
  for (const team of teams) {
    if (pullRequest.teams.has(team.nodeId)) continue;
    pullRequest.teams.set(team.nodeId, team);
    await announce(request, pullRequest, "review_requested", { requested_team: shapeOf(request, team) });
  }
  return { status: 201, body: await pullRequestSimpleShape(site, repository, pullRequest) };
}

async function removeReviewers(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository } = request;
  const pullRequest = pullRequestOf(request);
  const wanted = parseBody(request, reviewersRequest);
  for (const login of wanted.reviewers) {
    const user = site.world.user(login);
    if (user === undefined || !pullRequest.reviewers.delete(user.nodeId)) continue;
    await announce(request, pullRequest, "review_request_removed", { requested_reviewer: userShape(site.urls, user) });
  }
  for (const slug of wanted.team_reviewers) {
    const team = organizationOf(request)?.teams.get(slug);
    if (team === undefined || !pullRequest.teams.delete(team.nodeId)) continue;
    await announce(request, pullRequest, "review_request_removed", { requested_team: shapeOf(request, team) });
  }
  return { status: 200, body: await pullRequestSimpleShape(site, repository, pullRequest) };
}

function reviewer(request: RepositoryRequest, pullRequest: PullRequest, login: string): User {
  const user = request.site.world.user(login);
  if (user !== undefined && user === pullRequest.author) {
    throw unprocessable("Review cannot be requested from pull request author.");
  }
  if (user !== undefined && roleOf(user, request.repository) !== undefined) return user;
  throw unprocessable(
    `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${fullName(request.repository)} repository.`,
  );
}

function reviewingTeam(request: RepositoryRequest, slug: string): Team {
  const { caller, repository } = request;
  if (caller.kind === "installation" && !grants(caller.permissions, needs("members", "read"))) {
    throw lacksPermission("pull_requests=write,members=read");
  }
  const team = organizationOf(request)?.teams.get(slug);
  if (team?.repositories.has(repository.id) === true) return team;
  throw unprocessable(
    `Reviews may only be requested from collaborators. One or more of the teams you specified is not a collaborator of the ${fullName(repository)} repository.`,
  );
}

function organizationOf({ repository }: RepositoryRequest): Organization | undefined {
  return repository.owner.kind === "Organization" ? repository.owner : undefined;
}

function shapeOf(request: RepositoryRequest, team: Team): Record<string, unknown> {
  const organization = organizationOf(request);
  if (organization === undefined) throw new Error("Only organizations have teams.");
  return teamShape(request.site.urls, organization, team);
}

async function announce(
  request: RepositoryRequest,
  pullRequest: PullRequest,
  action: "review_requested" | "review_request_removed",
  details: Readonly<Record<string, unknown>>,
): Promise<void> {
  pullRequest.updatedAt = request.site.world.clock.now();
  await announcePullRequest(request.site, request.repository, pullRequest, actorOf(request.caller), action, details);
}
