import { notFound } from "../http/refusal.ts";
import { fullRepositoryShape } from "../shapes/repository-shape.ts";
import { commitShape } from "../shapes/git-shape.ts";
import { needs } from "../state/permissions.ts";
import { protectionOf } from "../state/repository.ts";
import { listAnswer } from "./pagination.ts";
import { protectionShape, protectionSummary, rulesOf } from "./protection-shape.ts";
import { param, repositoryRoute, type RepositoryRequest, type RestAnswer, type Route } from "./route.ts";
import { Refusal } from "../http/refusal.ts";

/** A repository, its branches and what protects them. */
export const repositoryRoutes: readonly Route[] = [
  repositoryRoute("GET /repos/{owner}/{repo}", [needs("metadata", "read")], async ({ site, repository, caller }) => ({
    status: 200,
    body: await fullRepositoryShape(site.urls, repository, caller),
  })),
  repositoryRoute("GET /repos/{owner}/{repo}/branches", [needs("contents", "read")], async (request) => {
    const { repository, site } = request;
    const wantsProtected = request.query.get("protected");
    const branches = (await repository.git.refs("refs/heads/")).map((ref) => {
      const name = ref.name.slice("refs/heads/".length);
      const url = `${site.urls.repository(repository)}/commits/${ref.oid}`;
      return { name, commit: { sha: ref.oid, url }, protected: protectionOf(repository, name) !== undefined };
    });
    const chosen = branches.filter((branch) => wantsProtected === null || String(branch.protected) === wantsProtected);
    return listAnswer(request, chosen, (branch) => branch);
  }),
  repositoryRoute("GET /repos/{owner}/{repo}/branches/{branch}", [needs("contents", "read")], getBranch),
  repositoryRoute(
    "GET /repos/{owner}/{repo}/branches/{branch}/protection",
    [needs("administration", "read")],
    async (request) => {
      const branch = param(request, "branch");
      const protection = protectionOf(request.repository, branch);
      if ((await request.repository.git.branchHead(branch)) === undefined) throw new Refusal(404, "Branch not found");
      if (protection === undefined) throw new Refusal(404, "Branch not protected");
      return { status: 200, body: protectionShape(request.site, request.repository, branch, protection) };
    },
  ),
  repositoryRoute("GET /repos/{owner}/{repo}/rules/branches/{branch}", [needs("metadata", "read")], async (request) => {
    const { repository } = request;
    return listAnswer(request, rulesOf(repository, protectionOf(repository, param(request, "branch"))), (rule) => rule);
  }),
];

async function getBranch(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository } = request;
  const name = param(request, "branch");
  const old = site.lags.oldRef(repository, `refs/heads/${name}`);
  const oid = old === undefined ? await repository.git.branchHead(name) : old.oid;
  const commit = oid === undefined ? undefined : await repository.git.commit(oid);
  if (commit === undefined) throw oid === undefined ? new Refusal(404, "Branch not found") : notFound();
  const api = `${site.urls.repository(repository)}/branches/${name}`;
  const protection = protectionOf(repository, name);
  return {
    status: 200,
    body: {
      name,
      commit: commitShape(site, repository, commit),
      _links: { self: api, html: `${site.urls.page(repository)}/tree/${name}` },
      protected: protection !== undefined,
      protection: protectionSummary(protection),
      protection_url: `${api}/protection`,
    },
  };
}
