import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { RepositoryStanding } from "#shared/campaign/campaign-overview.ts";
import { Rejected } from "#shared/errors.ts";
import type { Execution } from "#shared/execution/execution.ts";
import { resultKey } from "#shared/execution/plan-collect.ts";
import { parseTransformResult } from "#shared/execution/transform-result.ts";
import type { ApiCapabilities, ApiEnv } from "./capabilities.ts";
import { json, refusals, security } from "./route.ts";
import { campaignName, logsBody, repositoriesBody, standing } from "#shared/api/schemas.ts";

const oneRepository = z.object({ campaign: campaignName, owner: z.string(), repo: z.string() });

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
  request: { params: oneRepository },
  responses: {
    ...refusals,
    200: { description: "Empty when nothing changes", content: { "text/x-diff": { schema: z.string() } } },
  },
});

const logsRoute = createRoute({
  security,
  method: "get",
  path: "/api/v1/campaigns/{campaign}/repositories/{owner}/{repo}/logs",
  summary: "What the steps printed, with secrets redacted",
  request: { params: oneRepository },
  responses: { ...refusals, 200: json(logsBody, "The steps that were run") },
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
      ...(after === undefined ? {} : { after }),
    });
    const last = repositories.length === limit ? repositories.at(-1)?.fullName : undefined;
    return context.json({ repositories: [...repositories], ...(last === undefined ? {} : { next: last }) }, 200);
  });

  app.openapi(diffRoute, async (context) => {
    const { execution } = await findExecution(capabilities, context.req.valid("param"));
    const { state } = execution;
    const patch = state.status === "patch" ? await blobs.get(state.patchKey) : new Uint8Array();
    // A patch may hold bytes that are no UTF-8; they are passed on as they are.
    return context.body(new Uint8Array(patch), 200, { "content-type": "text/x-diff" });
  });

  app.openapi(logsRoute, async (context) => {
    const { execution } = await findExecution(capabilities, context.req.valid("param"));
    const { steps, outcome } = parseTransformResult(await blobs.get(resultKey(execution)));
    const shown = [];
    for (const { index, name, status, exitCode, durationMs, logTruncated, logKey } of steps) {
      const log = logKey === undefined ? "" : Buffer.from(await blobs.get(logKey)).toString("utf8");
      shown.push({
        index,
        status,
        durationMs,
        truncated: logTruncated,
        log,
        ...(name === undefined ? {} : { name }),
        ...(exitCode === undefined ? {} : { exitCode }),
      });
    }
    const failure = outcome.status === "failed" ? { failure: outcome.failure.message } : {};
    return context.json({ steps: shown, ...failure }, 200);
  });
}

/** @throws Rejected when the repository is not in the newest run, was left out, or has no result yet. */
async function findExecution(
  { campaigns, runs, overview, executions }: ApiCapabilities,
  { campaign, owner, repo }: z.infer<typeof oneRepository>,
): Promise<{ readonly standing: RepositoryStanding; readonly execution: Execution }> {
  await campaigns.get(campaign);
  const run = await runs.latest(campaign);
  if (run === undefined) {
    throw new Rejected("not-found", `Campaign ${campaign} was not previewed yet: octobatch preview ${campaign}.`);
  }
  const standing = await overview.repository(campaign, run.number, `${owner}/${repo}`);
  if (standing === undefined)
    throw new Rejected("not-found", `${owner}/${repo} is not in the newest run of ${campaign}.`);
  if (standing.executionId === undefined) {
    throw new Rejected("not-found", `${standing.fullName} was left out: ${standing.because}.`);
  }
  if (standing.standing === "pending" || standing.standing === "running") {
    throw new Rejected("conflict", `${standing.fullName} has no result yet: it is ${standing.standing}.`);
  }
  return { standing, execution: await executions.get(standing.executionId) };
}
