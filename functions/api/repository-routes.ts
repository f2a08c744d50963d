import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { StandingQuery } from "#shared/campaign/campaign-overview.ts";
import { Rejected } from "#shared/errors.ts";
import type { ApiCapabilities, ApiEnv } from "./capabilities.ts";
import { findExecution, nameOf } from "./find-standing.ts";
import { json, oneRepository, oneWorkspace, refusals, security } from "./route.ts";
import { campaignName, repositoriesBody, standing } from "#shared/api/schemas.ts";

const listRoute = createRoute({
  security,
  method: "get",
  path: "/api/v1/campaigns/{campaign}/repositories",
  summary: "Where each repository of the newest run stands, and why",
  request: {
    params: z.object({ campaign: campaignName }),
    query: z.object({
      standing: standing.optional(),
      after: z.string().optional(),
      limit: z.coerce.number<string>().int().min(1).max(1000).default(100),
    }),
  },
  responses: { ...refusals, 200: json(repositoriesBody, "A page, by name") },
});

const diffRoute = createRoute({
  security,
  method: "get",
  path: "/api/v1/campaigns/{campaign}/repositories/{owner}/{repo}/diff",
  summary: "The patch that the newest preview made, as git writes it",
  request: { params: oneRepository, query: oneWorkspace },
  responses: {
    ...refusals,
    200: { description: "Empty when nothing changes", content: { "text/x-diff": { schema: z.string() } } },
  },
});

export function repositoryRoutes(app: OpenAPIHono<ApiEnv>, capabilities: ApiCapabilities): void {
  const { runs, overview, blobs, campaigns } = capabilities;

  app.openapi(listRoute, async (context) => {
    const { campaign: name } = context.req.valid("param");
    const { standing, after, limit } = context.req.valid("query");
    await campaigns.get(name);
    const run = await runs.latest(name);
    if (run === undefined) return context.json({ repositories: [] }, 200);
    const repositories = await overview.repositories({
      campaign: name,
      run: run.number,
      limit,
      ...(standing === undefined ? {} : { standing }),
      ...(after === undefined ? {} : { after: placeFrom(after) }),
    });
    const last = repositories.length === limit ? repositories.at(-1) : undefined;
    return context.json(
      { repositories: [...repositories], ...(last === undefined ? {} : { next: nameOf(last) }) },
      200,
    );
  });

  app.openapi(diffRoute, async (context) => {
    const asked = { ...context.req.valid("param"), ...context.req.valid("query") };
    const { state } = await findExecution(capabilities, asked);
    if (state.status === "expired" && state.was === "patch") throw new Rejected("not-found", `${state.because}.`);
    const patch = state.status === "patch" ? await blobs.get(state.patchKey) : new Uint8Array();
    // A patch may hold bytes that are no UTF-8; they are passed on as they are.
    return context.body(new Uint8Array(patch), 200, { "content-type": "text/x-diff" });
  });
}

/** Reads what {@link nameOf} has made of the last of a page: names of repositories have no spaces. */
function placeFrom(after: string): NonNullable<StandingQuery["after"]> {
  const [fullName = "", ...rest] = after.split(" ");
  return { fullName, workspace: rest.join(" ") };
}
