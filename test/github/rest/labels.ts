import { z } from "zod";
import { addLabels, ensureLabel, removeLabels } from "../actions/labels.ts";
import { actorOf } from "../auth/caller.ts";
import { Refusal } from "../http/refusal.ts";
import { labelShape } from "../shapes/pull-request-shape.ts";
import { needs } from "../state/permissions.ts";
import type { Label, PullRequest } from "../state/pull-request.ts";
import { listAnswer } from "./pagination.ts";
import { pullRequestOf } from "./pulls.ts";
import { param, parseBody, repositoryRoute, type RepositoryRequest, type RestAnswer, type Route } from "./route.ts";

const read = [needs("issues", "read"), needs("pull_requests", "read")];
const write = [needs("issues", "write"), needs("pull_requests", "write")];
const labels = "/repos/{owner}/{repo}/issues/{issue_number}/labels";

/** The labels of a pull request, which GitHub keeps under its issue. */
export const labelRoutes: readonly Route[] = [
  repositoryRoute("GET /repos/{owner}/{repo}/labels", read, (request) =>
    listAnswer(request, [...request.repository.labels.values()], (label) => shape(request, label)),
  ),
  repositoryRoute(`GET ${labels}`, read, (request) => {
    const { labels: own } = pullRequestOf(request, "issue_number");
    return listAnswer(request, [...own.values()], (label) => shape(request, label));
  }),
  repositoryRoute(`POST ${labels}`, write, async (request) => {
    const pullRequest = pullRequestOf(request, "issue_number");
    await addLabels(request.site, request.repository, pullRequest, actorOf(request.caller), wanted(request));
    return answer(request, pullRequest);
  }),
  repositoryRoute(`PUT ${labels}`, write, async (request) => {
    const pullRequest = pullRequestOf(request, "issue_number");
    const target = wanted(request);
    const superfluous = [...pullRequest.labels.values()].filter((label) => !target.includes(label));
    await removeLabels(request.site, request.repository, pullRequest, actorOf(request.caller), superfluous);
    await addLabels(request.site, request.repository, pullRequest, actorOf(request.caller), target);
    return answer(request, pullRequest);
  }),
  repositoryRoute(`DELETE ${labels}`, write, async (request) => {
    const pullRequest = pullRequestOf(request, "issue_number");
    const all = [...pullRequest.labels.values()];
    await removeLabels(request.site, request.repository, pullRequest, actorOf(request.caller), all);
    return { status: 204 };
  }),
  repositoryRoute(`DELETE ${labels}/{name}`, write, async (request) => {
    const pullRequest = pullRequestOf(request, "issue_number");
    const name = param(request, "name").toLowerCase();
    const label = [...pullRequest.labels.values()].find((candidate) => candidate.name.toLowerCase() === name);
    if (label === undefined) throw new Refusal(404, "Label does not exist", { type: "NOT_FOUND" });
    await removeLabels(request.site, request.repository, pullRequest, actorOf(request.caller), [label]);
    return answer(request, pullRequest);
  }),
];

const named = z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)]);
const labelsRequest = z.union([z.array(named), z.object({ labels: z.array(named) }).transform((body) => body.labels)]);

function wanted(request: RepositoryRequest): readonly Label[] {
  return parseBody(request, labelsRequest).map((name) => ensureLabel(request.site, request.repository, name));
}

function shape(request: RepositoryRequest, label: Label): Record<string, unknown> {
  return labelShape(request.site.urls, request.repository, label);
}

function answer(request: RepositoryRequest, pullRequest: PullRequest): RestAnswer {
  return { status: 200, body: [...pullRequest.labels.values()].map((label) => shape(request, label)) };
}
