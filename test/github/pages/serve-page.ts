import type { IncomingMessage, ServerResponse } from "node:http";
import { mergePullRequest } from "../actions/merging.ts";
import { closePullRequest, reopenPullRequest } from "../actions/pull-requests.ts";
import { git } from "../git/run-git.ts";
import { Refusal } from "../http/refusal.ts";
import { refuseReadOnly } from "../rest/rest-api.ts";
import type { Site } from "../site.ts";
import type { PullRequest } from "../state/pull-request.ts";
import type { Repository } from "../state/repository.ts";
import { html, type Html } from "./html.ts";
import { layout } from "./layout.ts";
import { pullRequestPage } from "./pull-request-page.ts";
import { repositoriesPage, repositoryPage } from "./repository-page.ts";

const path =
  /^\/(?<owner>[^/]+)\/(?<name>[^/]+)(?:\/pull\/(?<number>\d{1,9})(?<diff>\.diff)?(?:\/(?<action>merge|close|reopen))?)?\/?$/;

/** Serves the pages for people, who act as `app-owner` here; answers the status that went out. */
export async function servePage(
  site: Site,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<number> {
  if (url.pathname === "/") return send(response, 200, "Repositories", repositoriesPage(site.world));
  const { owner, name, number, diff, action } = path.exec(url.pathname)?.groups ?? {};
  const repository = owner === undefined || name === undefined ? undefined : site.world.repositoryNamed(owner, name);
  if (repository === undefined) return notThere(response);
  if (number === undefined) return send(response, 200, repository.name, await repositoryPage(repository));
  const pullRequest = repository.pullRequests.get(Number(number));
  if (pullRequest === undefined) return notThere(response);
  if (diff !== undefined) return sendDiff(response, repository, pullRequest);
  if (action === undefined)
    return send(response, 200, pullRequest.title, await pullRequestPage(repository, pullRequest));
  if (request.method !== "POST" || !isFromHere(request))
    return send(response, 405, "Refused", html`<p>Use the buttons of the pull request's page.</p>`);
  return decide(site, repository, pullRequest, action, response);
}

/** A form of another site must not merge anything here. */
function isFromHere(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  return origin === undefined || origin === `http://${host ?? ""}`;
}

async function decide(
  site: Site,
  repository: Repository,
  pullRequest: PullRequest,
  action: string,
  response: ServerResponse,
): Promise<number> {
  const actor = site.world.appOwner;
  try {
    await site.locks.exclusively(repository, async () => {
      refuseReadOnly(repository);
      if (action === "close") await closePullRequest(site, repository, pullRequest, actor);
      else if (action === "reopen") await reopenPullRequest(site, repository, pullRequest, actor);
      else
        await mergePullRequest(site, repository, pullRequest, { kind: "user", token: "", actor }, { method: "merge" });
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const message = error.errors?.[0]?.message ?? error.message;
    return send(response, error.status, pullRequest.title, await pullRequestPage(repository, pullRequest, message));
  }
  response
    .writeHead(303, { location: `/${repository.owner.login}/${repository.name}/pull/${pullRequest.number}` })
    .end();
  return 303;
}

async function sendDiff(response: ServerResponse, repository: Repository, pullRequest: PullRequest): Promise<number> {
  const range = `${pullRequest.baseOid}...${pullRequest.headOid}`;
  const diff = await git(["diff", "--full-index", "--binary", range], { directory: repository.git.directory });
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end(diff);
  return 200;
}

function notThere(response: ServerResponse): number {
  return send(
    response,
    404,
    "Not found",
    html`<h1>Not found</h1>
      <p><a href="/">All repositories</a></p>`,
  );
}

function send(response: ServerResponse, status: number, title: string, content: Html): number {
  response
    .writeHead(status, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    })
    .end(layout(title, content));
  return status;
}
