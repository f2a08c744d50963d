import type { PacedRequest } from "../../ports/pacing.ts";

/** What a request is, as far as budgets and counters care. */
export interface RequestTraits extends Omit<PacedRequest, "cost" | "urgency"> {
  /** `GET /repos/{owner}/{repo}/pulls` or `graphql OrganizationPage`: one name for all requests of a kind. */
  readonly operation: string;
}

/**
 * What GitHub counts as creating content, of all that we may ask: the official OpenAPI description marks these with
 * `x-github.triggersNotification`. Blobs, trees, commits and refs are writes, and no more.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
 */
const contentRoutes: ReadonlySet<string> = new Set([
  "POST /repos/{owner}/{repo}/issues",
  "POST /repos/{owner}/{repo}/issues/{number}/comments",
  "POST /repos/{owner}/{repo}/pulls",
  "POST /repos/{owner}/{repo}/pulls/{number}/comments",
  "POST /repos/{owner}/{repo}/pulls/{number}/requested_reviewers",
  "POST /repos/{owner}/{repo}/pulls/{number}/reviews",
  "PUT /repos/{owner}/{repo}/pulls/{number}/merge",
]);

/** Tells what a request is from its method, URL and body: the body only matters for GraphQL. */
export function traitsOf(method: string, url: URL, body: unknown): RequestTraits {
  const path = url.pathname.replace(/^\/api\/v3(?=\/)/, "").replace(/^\/api\/graphql$/, "/graphql");
  if (path === "/graphql") return graphqlTraits(typeof body === "string" ? body : "");
  const operation = `${method} ${routeOf(path)}`;
  return {
    operation,
    resource: path === "/search/code" ? "code_search" : path.startsWith("/search/") ? "search" : "core",
    kind: method === "GET" || method === "HEAD" ? "read" : "write",
    createsContent: contentRoutes.has(operation),
  };
}

/** Octokit sends `{"query":"mutation MoveBranch(…`: all our documents are named. */
function graphqlTraits(body: string): RequestTraits {
  const [, kind = "query", name = "unnamed"] = /"query":"\s*(query|mutation)\s+(\w+)/.exec(body) ?? [];
  return {
    operation: `graphql ${name}`,
    resource: "graphql",
    kind: kind === "mutation" ? "write" : "read",
    createsContent: false,
  };
}

/** The path with its names and numbers left out, so that there are as many as GitHub has endpoints. */
function routeOf(path: string): string {
  return path
    .replace(/^\/repos\/[^/]+\/[^/]+|^\/repositories\/\d+/, "/repos/{owner}/{repo}")
    .replace(/^\/orgs\/[^/]+/, "/orgs/{org}")
    .replace(/^\/users\/[^/]+/, "/users/{username}")
    .replace(/^\/app-manifests\/[^/]+/, "/app-manifests/{code}")
    .replace(/(\/git\/(?:ref|refs)\/).+$/, "$1{ref}")
    .replace(/(\/labels\/).+$/, "$1{name}")
    .replaceAll(/\/\d+(?=\/|$)/g, "/{number}")
    .replaceAll(/\/[0-9a-f]{40}(?=\/|$)/g, "/{sha}");
}
