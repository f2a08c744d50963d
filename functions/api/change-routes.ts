import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { campaignName, changeSearch, changesBody, type changedRepositoryBody } from "#shared/api/schemas.ts";
import type { RepositoryChanges } from "#shared/execution/changed-file-store.ts";
import type { ApiCapabilities, ApiEnv } from "./capabilities.ts";
import { json, refusals, security } from "./route.ts";

const searchRoute = createRoute({
  security,
  method: "get",
  path: "/api/v1/campaigns/{campaign}/changes",
  summary: "Which files the patches of the newest run change, by path and by the lines that they add and remove",
  request: {
    params: z.object({ campaign: campaignName }),
    query: changeSearch.extend({
      after: z.string().optional(),
      limit: z.coerce.number<string>().int().min(1).max(1000).default(100),
    }),
  },
  responses: { ...refusals, 200: json(changesBody, "A page of repositories, by name") },
});

/** The search in what a campaign changes. */
export function changeRoutes(
  app: OpenAPIHono<ApiEnv>,
  { campaigns, runs, changedFiles }: Pick<ApiCapabilities, "campaigns" | "runs" | "changedFiles">,
): void {
  app.openapi(searchRoute, async (context) => {
    const { campaign } = context.req.valid("param");
    const { limit, ...asked } = context.req.valid("query");
    await campaigns.get(campaign);
    const run = await runs.latest(campaign);
    if (run === undefined) {
      return context.json({ repositories: [], unsearched: { repositories: 0, examples: [] } }, 200);
    }
    const { repositories, next } = await changedFiles.search({ campaign, run: run.number, limit, ...asked });
    const unsearched = await changedFiles.unsearched(campaign, run.number);
    return context.json(
      {
        run: run.number,
        repositories: repositories.map(repositoryView),
        unsearched: { ...unsearched, examples: [...unsearched.examples] },
        ...(next === undefined ? {} : { next }),
      },
      200,
    );
  });
}

function repositoryView(changes: RepositoryChanges): z.infer<typeof changedRepositoryBody> {
  const { fullName, workspace, executionId, found } = changes;
  const files = changes.files.map((file) => ({ ...file, added: [...file.added], removed: [...file.removed] }));
  return { fullName, ...(workspace === "" ? {} : { workspace }), executionId, found, files };
}
