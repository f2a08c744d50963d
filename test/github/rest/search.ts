import { sees } from "../auth/caller.ts";
import { Refusal, unprocessable, validationFailed } from "../http/refusal.ts";
import { searchCode, type CodeHit } from "../search/code-search.ts";
import { mostHits, searchRepositories } from "../search/repository-search.ts";
import { repositoryShape } from "../shapes/repository-shape.ts";
import { pageOf } from "./pagination.ts";
import { route, type RestAnswer, type RestRequest, type Route } from "./route.ts";

/** Search over REST: at most 1,000 hits of each, whatever there is. */
export const searchRoutes: readonly Route[] = [
  route("GET /search/repositories", "anyone", findRepositories),
  route("GET /search/code", "authenticated", findCode),
];

async function findRepositories(request: RestRequest): Promise<RestAnswer> {
  const { site, caller } = request;
  const sort = request.query.get("sort");
  const order = request.query.get("order") ?? "desc";
  const query = `${queryOf(request)}${sort === null ? "" : ` sort:${sort}-${order}`}`;
  const found = await asRest(async () => searchRepositories(site.world, query));
  const hits = found.filter((repository) => sees(caller, repository));
  return answer(request, hits, false, async (repository) => ({
    ...(await repositoryShape(site.urls, repository)),
    score: 1,
  }));
}

async function findCode(request: RestRequest): Promise<RestAnswer> {
  const { site, caller } = request;
  if (caller.kind === "anonymous") throw new Refusal(401, "Requires authentication");
  const visible = [...site.world.repositories.values()].filter((repository) => sees(caller, repository));
  const hits = await searchCode(site.codeIndex, visible, queryOf(request));
  return answer(request, hits, site.codeIndex.isIncomplete, (hit) => hitShape(request, hit));
}

async function hitShape({ site }: RestRequest, hit: CodeHit): Promise<Record<string, unknown>> {
  const { repository, commit, file } = hit;
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  const api = site.urls.repository(repository);
  return {
    name: file.path.split("/").at(-1),
    path: file.path,
    sha: file.oid,
    url: `${api}/contents/${path}?ref=${commit}`,
    git_url: `${api}/git/blobs/${file.oid}`,
    html_url: `${site.urls.page(repository)}/blob/${commit}/${path}`,
    repository: await repositoryShape(site.urls, repository),
    score: 1,
  };
}

function queryOf(request: RestRequest): string {
  const query = request.query.get("q");
  if (query === null || query.trim() === "")
    throw validationFailed({ resource: "Search", field: "q", code: "missing" });
  return query;
}

/** What GraphQL says with status 200, REST says with 422. */
async function asRest<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 200) throw error;
    throw validationFailed({ resource: "Search", field: "q", code: "invalid", message: error.message });
  }
}

async function answer<T>(
  request: RestRequest,
  hits: readonly T[],
  isIncomplete: boolean,
  shape: (hit: T) => Promise<unknown>,
): Promise<RestAnswer> {
  const size = Math.min(Math.max(Number.parseInt(request.query.get("per_page") ?? "30", 10) || 30, 1), 100);
  const page = Math.max(Number.parseInt(request.query.get("page") ?? "1", 10) || 1, 1);
  if ((page - 1) * size >= mostHits) throw unprocessable("Only the first 1000 search results are available");
  const shown = pageOf(request, hits.slice(0, mostHits));
  return {
    status: 200,
    headers: shown.headers,
    body: {
      total_count: hits.length,
      incomplete_results: isIncomplete,
      items: await Promise.all(shown.items.map(shape)),
    },
  };
}
