import { z } from "zod";
import { notFound, Refusal, unprocessable } from "../http/refusal.ts";
import { appShape, installationShape } from "../shapes/installation-shape.ts";
import { instant, repositoryShape } from "../shapes/repository-shape.ts";
import type { Installation } from "../state/installation.ts";
import { excessOf, type Permissions } from "../state/permissions.ts";
import type { Repository } from "../state/repository.ts";
import { reaches } from "../state/world.ts";
import { isInScope } from "../auth/caller.ts";
import { listAnswer, pageOf } from "./pagination.ts";
import { numberParam, param, parseBody, route, type RestAnswer, type RestRequest, type Route } from "./route.ts";

const tokenLifeMs = 3_600_000;
/** The most repositories one token can be scoped to. */
const mostRepositories = 500;

const tokenRequest = z.object({
  repositories: z.array(z.string()).optional(),
  repository_ids: z.array(z.int()).optional(),
  permissions: z.record(z.string(), z.enum(["read", "write", "admin"])).optional(),
});

/** The App itself, where it is installed, and the tokens of its installations. */
export const appRoutes: readonly Route[] = [
  route("GET /app", "app", async ({ site }) => ({ status: 200, body: appShape(site) })),
  route("GET /app/installations", "app", (request) =>
    listAnswer(request, [...request.site.world.installations.values()], (installation) =>
      installationShape(request.site, installation),
    ),
  ),
  route("GET /app/installations/{installation_id}", "app", async (request) =>
    installationAnswer(request, request.site.world.installations.get(numberParam(request, "installation_id"))),
  ),
  route("POST /app/installations/{installation_id}/access_tokens", "app", mintToken),
  route("GET /orgs/{org}/installation", "app", async (request) => {
    const organization = request.site.world.organization(param(request, "org"));
    return installationAnswer(request, organization && request.site.world.installationOf(organization));
  }),
  route("GET /users/{username}/installation", "app", async (request) => {
    const account = request.site.world.account(param(request, "username"));
    return installationAnswer(request, account && request.site.world.installationOf(account));
  }),
  route("GET /repos/{owner}/{repo}/installation", "app", async (request) => {
    const repository = request.site.world.repositoryNamed(param(request, "owner"), param(request, "repo"));
    const installation = repository && request.site.world.installationOf(repository.owner);
    const isReached = repository !== undefined && installation !== undefined && reaches(installation, repository);
    return installationAnswer(request, isReached ? installation : undefined);
  }),
  route("GET /installation/repositories", "installation", listRepositories),
  route("DELETE /installation/token", "installation", async ({ site, caller }) => {
    if (caller.kind === "installation") site.world.tokens.delete(caller.token);
    return { status: 204 };
  }),
];

function installationAnswer(request: RestRequest, installation: Installation | undefined): RestAnswer {
  if (installation === undefined) throw notFound();
  return { status: 200, body: installationShape(request.site, installation) };
}

async function mintToken(request: RestRequest): Promise<RestAnswer> {
  const { world, urls } = request.site;
  const installation = world.installations.get(numberParam(request, "installation_id"));
  if (installation === undefined) throw notFound();
  if (installation.suspendedAt !== undefined) throw new Refusal(403, "This installation has been suspended");
  const wanted = parseBody(request, tokenRequest);
  const repositories = wantedRepositories(request, installation, wanted);
  const permissions = wantedPermissions(installation, wanted.permissions);
  const expiresAt = new Date(world.clock.now().getTime() + tokenLifeMs);
  const repositoryIds = repositories === undefined ? undefined : new Set(repositories.map(({ id }) => id));
  const token = world.issueToken("ghs", { kind: "installation", installation, permissions, repositoryIds, expiresAt });
  const isSelected = repositories !== undefined || installation.selected !== undefined;
  return {
    status: 201,
    body: {
      token,
      expires_at: instant(expiresAt),
      permissions,
      repository_selection: isSelected ? "selected" : "all",
      ...(repositories === undefined
        ? {}
        : { repositories: await Promise.all(repositories.map((repository) => repositoryShape(urls, repository))) }),
    },
  };
}

function wantedRepositories(
  request: RestRequest,
  installation: Installation,
  wanted: z.infer<typeof tokenRequest>,
): readonly Repository[] | undefined {
  const { world } = request.site;
  const { repositories: names, repository_ids: ids } = wanted;
  if (names === undefined && ids === undefined) return undefined;
  const found = [
    ...(names ?? []).map((name) => world.repositoryNamed(installation.account.login, name)),
    ...(ids ?? []).map((id) => world.repositories.get(id)),
  ];
  if (found.length > mostRepositories) {
    throw unprocessable(`Too many repositories: a token can be scoped to at most ${mostRepositories}.`);
  }
  return found.map((repository) => {
    if (repository !== undefined && reaches(installation, repository)) return repository;
    throw unprocessable(
      "There is at least one repository that does not exist or is not accessible to the parent installation.",
    );
  });
}

function wantedPermissions(installation: Installation, wanted: Permissions | undefined): Permissions {
  if (wanted === undefined) return installation.permissions;
  if (excessOf(installation.permissions, wanted) !== undefined) {
    throw unprocessable("The permissions requested are not granted to this installation.");
  }
  return { metadata: "read", ...wanted };
}

async function listRepositories(request: RestRequest): Promise<RestAnswer> {
  const { caller, site } = request;
  if (caller.kind !== "installation") throw new Error("The router lets installations in only.");
  const visible = [...site.world.repositories.values()].filter((repository) => isInScope(caller, repository));
  const page = pageOf(request, visible);
  const repositories = await Promise.all(
    page.items.map(async (repository) => ({
      ...(await repositoryShape(site.urls, repository)),
      custom_properties: {},
    })),
  );
  return {
    status: 200,
    headers: page.headers,
    body: {
      total_count: visible.length,
      repository_selection: caller.repositoryIds === undefined ? "all" : "selected",
      repositories,
    },
  };
}
