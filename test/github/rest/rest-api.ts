import { createHash } from "node:crypto";
import { acceptedPermissions, demand, sees, type Caller } from "../auth/caller.ts";
import type { RateResource } from "../limits/account-rates.ts";
import { createsContent } from "../limits/content.ts";
import { rateHeaders, type RateLimits } from "../limits/rate-limits.ts";
import { lacksPermission, notFound, Refusal } from "../http/refusal.ts";
import type { Site } from "../site.ts";
import { fullName, type Repository } from "../state/repository.ts";
import { appManifestRoutes } from "./app-manifests.ts";
import { appRoutes } from "./apps.ts";
import { contentRoutes } from "./contents.ts";
import { gitDataRoutes } from "./git-data.ts";
import { gitRefRoutes } from "./git-refs.ts";
import { gitTreeRoutes } from "./git-trees.ts";
import { hookRoutes } from "./hooks.ts";
import { issueRoutes } from "./issues.ts";
import { labelRoutes } from "./labels.ts";
import { metaRoutes } from "./meta.ts";
import { pullRoutes } from "./pulls.ts";
import { repositoryRoutes } from "./repositories.ts";
import { reviewerRoutes } from "./reviewers.ts";
import type { RestAnswer, RestRequest, Route } from "./route.ts";
import { RouteTable, type RouteMatch } from "./route-table.ts";
import { searchRoutes } from "./search.ts";

const table = new RouteTable([
  ...appManifestRoutes,
  ...appRoutes,
  ...contentRoutes,
  ...gitDataRoutes,
  ...gitRefRoutes,
  ...gitTreeRoutes,
  ...hookRoutes,
  ...issueRoutes,
  ...labelRoutes,
  ...metaRoutes,
  ...pullRoutes,
  ...repositoryRoutes,
  ...reviewerRoutes,
  ...searchRoutes,
]);

export interface RestCall {
  readonly method: string;
  readonly url: URL;
  /** The path below `/api/v3`, still encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
  readonly caller: Caller;
  /** What `findOperation` found. */
  readonly match: RouteMatch | undefined;
  /** Calls back when the answer has gone out, or never will. */
  readonly onClosed: (done: () => void) => void;
}

export interface RestOutcome extends RestAnswer {
  /** Absent when no operation has this path and method. */
  readonly route: Route | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** The operation that a path below `/api/v3` names; undefined when there is none. */
export function findOperation(site: Site, method: string, path: string): RouteMatch | undefined {
  return table.find(method, pathById(site, path));
}

/** Whether this GitHub has an operation, named by method and path template. */
export function hasOperation(operation: string): boolean {
  return table.has(operation);
}

/** Answers a REST request: checks the limits and who may do it, runs it. Refusals become GitHub's error bodies. */
export async function answerRest(site: Site, rates: RateLimits, call: RestCall): Promise<RestOutcome> {
  const { match } = call;
  const params = match?.params ?? {};
  const operation = `${call.method} ${match?.route.template ?? call.path}`;
  const resource = resourceOf(match?.route.template);
  try {
    const admission = rates.admit(call.caller, {
      resource,
      cost: match?.route.template === "/rate_limit" ? 0 : 1,
      points: call.method === "GET" ? 1 : 5,
      content: createsContent(operation) ? 1 : 0,
      operation,
    });
    call.onClosed(() => admission.release());
    if (match === undefined) throw notFound();
    const request = {
      site,
      rates,
      caller: call.caller,
      params,
      query: call.url.searchParams,
      body: call.body,
      url: call.url,
    };
    const answer = await run(match.route, request, call);
    const headers = { ...answer.headers, ...permissionHeader(match.route, call.caller) };
    const outcome = withEtag({ ...answer, headers, route: match.route, params }, call);
    if (outcome.status === 304) admission.refund();
    return { ...outcome, headers: { ...outcome.headers, ...rateHeaders(rates, call.caller, resource) } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const headers = { ...rateHeaders(rates, call.caller, resource), ...error.headers };
    return { status: error.status, body: refusalBody(error), headers, route: match?.route, params };
  }
}

/** The body of a REST error. */
export function refusalBody(refusal: Refusal): Record<string, unknown> {
  return {
    message: refusal.message,
    ...(refusal.errors === undefined ? {} : { errors: refusal.errors }),
    documentation_url: refusal.documentation,
    status: String(refusal.status),
  };
}

async function run(route: Route, request: RestRequest, call: RestCall): Promise<RestAnswer> {
  const { caller, site } = request;
  checkAccess(route, caller);
  if (route.handleRepository === undefined) return route.handle(request);
  const { owner = "", repo = "" } = request.params;
  const repository = site.world.repositoryNamed(owner, repo);
  if (repository === undefined || !sees(caller, repository)) throw notFound();
  if (repository.name.toLowerCase() !== repo.toLowerCase()) return moved(site, repository, call);
  demand(caller, repository, route.needs);
  if (route.method === "GET") return route.handleRepository({ ...request, repository });
  if (caller.kind === "anonymous") throw new Refusal(401, "Requires authentication");
  refuseReadOnly(repository);
  const handle = route.handleRepository;
  return site.locks.exclusively(repository, () => handle({ ...request, repository }));
}

function checkAccess(route: Route, caller: Caller): void {
  if (route.access === "app" && caller.kind !== "app") {
    throw new Refusal(401, "A JSON web token could not be decoded");
  }
  if (route.access === "installation" && caller.kind !== "installation") {
    if (caller.kind === "anonymous") throw new Refusal(401, "Requires authentication");
    throw new Refusal(
      403,
      "You must authenticate with an installation access token in order to list repositories for an installation.",
    );
  }
  if (route.access === "repository" && caller.kind === "app") throw lacksPermission(acceptedPermissions(route.needs));
}

/** Archived, disabled and locked repositories refuse every write. @throws Refusal 403 */
export function refuseReadOnly(repository: Repository): void {
  const forbidden = (message: string): Refusal => new Refusal(403, message, { type: "FORBIDDEN" });
  if (repository.isArchived) throw forbidden("Repository was archived so is read-only.");
  if (repository.isDisabled) throw forbidden("Repository access blocked");
  if (repository.lockReason !== undefined) throw forbidden("Repository has been locked for migration.");
}

/** A renamed repository answers with where it is now, by its id, which no rename changes. */
function moved(site: Site, repository: Repository, call: RestCall): RestAnswer {
  const rest = call.path.split("/").slice(4).join("/");
  const url = `${site.urls.api}/repositories/${repository.id}${rest === "" ? "" : `/${rest}`}${call.url.search}`;
  const status = call.method === "GET" ? 301 : 307;
  const message = status === 301 ? "Moved Permanently" : "Temporary Redirect";
  return {
    status,
    headers: { location: url },
    body: { message, url, documentation_url: "https://docs.github.com/rest" },
  };
}

function pathById(site: Site, path: string): string {
  const match = /^\/repositories\/(?<id>\d+)(?<rest>\/.*)?$/.exec(path);
  const repository = match === null ? undefined : site.world.repositories.get(Number(match.groups?.["id"]));
  return repository === undefined ? path : `/repos/${fullName(repository)}${match?.groups?.["rest"] ?? ""}`;
}

function permissionHeader(route: Route, caller: Caller): Record<string, string> {
  if (caller.kind !== "installation" || route.needs.length === 0) return {};
  return { "x-accepted-github-permissions": acceptedPermissions(route.needs) };
}

function resourceOf(template: string | undefined): RateResource {
  if (template === "/search/code") return "code_search";
  return template?.startsWith("/search/") === true ? "search" : "core";
}

function withEtag(outcome: RestOutcome, call: RestCall): RestOutcome {
  if (call.method !== "GET" || outcome.status !== 200 || outcome.body === undefined) return outcome;
  const etag = `W/"${createHash("sha256").update(JSON.stringify(outcome.body)).digest("hex")}"`;
  const headers = { ...outcome.headers, etag };
  const known = String(call.headers["if-none-match"] ?? "").split(/\s*,\s*/);
  // Weak comparison: proxies and clients may drop the W/.
  if (!known.some((candidate) => candidate.replace(/^W\//, "") === etag.slice(2))) return { ...outcome, headers };
  return { status: 304, headers, route: outcome.route, params: outcome.params };
}
