import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { selectionPageRequested } from "#eventing/selection.ts";
import { assertAlive } from "#shared/campaign/campaign.ts";
import { Rejected } from "#shared/errors.ts";
import { isFinished } from "#shared/run/run-store.ts";
import { planSelection } from "#shared/run/selection.ts";
import { parseSpec } from "#shared/spec/parse-spec.ts";
import { taskFor } from "#shared/task/task.ts";
import type { ApiCapabilities, ApiEnv } from "./capabilities.ts";
import { json, refusals, security } from "./route.ts";
import {
  applyRequest,
  applyResponse,
  campaignBody,
  campaignName,
  previewResponse,
  statusBody,
} from "#shared/api/schemas.ts";
import { campaignView, runView } from "./views.ts";

const applyRoute = createRoute({
  security,
  method: "post",
  path: "/api/v1/campaigns",
  summary: "Store a version of a spec, making its campaign when it is new",
  request: { body: { required: true, content: { "application/json": { schema: applyRequest } } } },
  responses: { ...refusals, 200: json(applyResponse, "The version that is current now") },
});

const listRoute = createRoute({
  security,
  method: "get",
  path: "/api/v1/campaigns",
  summary: "All campaigns, the newest first",
  responses: { ...refusals, 200: json(z.object({ campaigns: z.array(campaignBody) }), "The campaigns") },
});

const statusRoute = createRoute({
  security,
  method: "get",
  path: "/api/v1/campaigns/{campaign}",
  summary: "How far a campaign is",
  request: { params: z.object({ campaign: campaignName }) },
  responses: { ...refusals, 200: json(statusBody, "The campaign, its newest run, and where its repositories stand") },
});

const previewRoute = createRoute({
  security,
  method: "post",
  path: "/api/v1/campaigns/{campaign}/previews",
  summary: "Select the repositories and run the steps; GitHub is only read",
  request: { params: z.object({ campaign: campaignName }) },
  responses: { ...refusals, 200: json(previewResponse, "The run") },
});

export function campaignRoutes(app: OpenAPIHono<ApiEnv>, capabilities: ApiCapabilities): void {
  const { campaigns, runs, tasks, overview, clock, transact } = capabilities;

  app.openapi(applyRoute, async (context) => {
    const { spec: raw, source } = context.req.valid("json");
    const { spec, normalized, specHash, stepsHash } = parseSpec(raw, source === undefined ? {} : { source });
    const appliedBy = context.get("actor");
    const appliedAt = clock.now();
    const campaign = spec.name;
    const { version, changed } = await transact(async ({ campaigns, audit }) => {
      const applied = await campaigns.apply({
        campaign,
        raw,
        spec,
        normalized,
        specHash,
        stepsHash,
        appliedBy,
        appliedAt,
      });
      const specVersion = applied.version.number;
      await audit.append([
        {
          at: appliedAt,
          actor: appliedBy,
          action: "campaign.applied",
          campaign,
          specVersion,
          detail: { specHash, changed: applied.changed },
          dedupeKey: `applied/${crypto.randomUUID()}`,
        },
      ]);
      return applied;
    });
    return context.json({ campaign, specVersion: version.number, specHash, changed }, 200);
  });

  app.openapi(listRoute, async (context) =>
    context.json({ campaigns: (await campaigns.list()).map(campaignView) }, 200),
  );

  app.openapi(statusRoute, async (context) => {
    const campaign = await campaigns.get(context.req.valid("param").campaign);
    const run = await runs.latest(campaign.name);
    const dead = await tasks.dead(campaign.name);
    const deadTasks = dead.map(({ type, subject, because = "" }) => ({ type, subject, because }));
    if (run === undefined) return context.json({ campaign: campaignView(campaign), standings: {}, deadTasks }, 200);
    const [progress, standings] = await Promise.all([
      runs.progress(campaign.name, run.number),
      overview.counts(campaign.name, run.number),
    ]);
    return context.json({ campaign: campaignView(campaign), run: runView(run, progress), standings, deadTasks }, 200);
  });

  app.openapi(previewRoute, async (context) => {
    const { campaign: name } = context.req.valid("param");
    const actor = context.get("actor");
    const at = clock.now();
    const { run, started } = await transact(async ({ campaigns, runs, tasks, audit }) => {
      const campaign = await campaigns.get(name);
      assertAlive(campaign);
      if (campaign.state.status === "paused") {
        throw new Rejected("conflict", `Campaign ${name} is paused. Resume it first: octobatch resume ${name}.`);
      }
      const { spec, number: specVersion } = await campaigns.specVersion(name, campaign.currentVersion);
      const latest = await runs.latest(name);
      if (latest?.specVersion === specVersion && !isFinished(latest, await runs.progress(name, latest.number))) {
        return { run: latest, started: false };
      }
      const run = await runs.create({ campaign: name, specVersion, requestedBy: actor, requestedAt: at });
      const [first] = planSelection(spec);
      if (first === undefined) throw new Rejected("invalid", `The spec of ${name} names no repositories.`);
      const data = { campaign: name, run: run.number, part: 0 };
      const where = { campaign: name, organization: first.organization, notBefore: at, dedupe: [run.number, 0, ""] };
      await tasks.addAll([taskFor(selectionPageRequested, data, where)], at);
      await audit.append([
        {
          at,
          actor,
          action: "campaign.previewed",
          campaign: name,
          specVersion,
          detail: { run: run.number },
          dedupeKey: `previewed/${name}/${run.number}`,
        },
      ]);
      return { run, started: true };
    });
    return context.json({ started, run: runView(run, await runs.progress(name, run.number)) }, 200);
  });
}
