import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { changesetReady } from "#eventing/changeset.ts";
import { executionCancelled } from "#eventing/execution.ts";
import { assertAlive, steer, type CampaignFact } from "#shared/campaign/campaign.ts";
import { askToPublish } from "#shared/changeset/ask-to-publish.ts";
import type { Changeset } from "#shared/changeset/changeset.ts";
import { Conflict, Rejected } from "#shared/errors.ts";
import { executionLifecycle } from "#shared/execution/execution.ts";
import { advance } from "#shared/lifecycle.ts";
import { isFinished } from "#shared/run/run-store.ts";
import { alwaysReleased } from "#shared/runtime/task-release.ts";
import { taskFor } from "#shared/task/task.ts";
import type { ApiCapabilities, ApiEnv } from "./capabilities.ts";
import { json, refusals, security } from "./route.ts";
import { campaignBody, campaignName, publishResponse } from "#shared/api/schemas.ts";
import { campaignView } from "./views.ts";

const params = z.object({ campaign: campaignName });

const publishRoute = createRoute({
  security,
  method: "post",
  path: "/api/v1/campaigns/{campaign}/publications",
  summary: "Open pull requests for what the newest preview found, as fast as the throttles allow",
  request: { params },
  responses: { ...refusals, 200: json(publishResponse, "How many changesets stand where") },
});

const steeringRoute = createRoute({
  security,
  method: "post",
  path: "/api/v1/campaigns/{campaign}/{verb}",
  summary: "Pause, resume or kill a campaign. Once pause or kill has answered, no new mutation of GitHub begins",
  request: { params: params.extend({ verb: z.enum(["pause", "resume", "kill"]) }) },
  responses: { ...refusals, 200: json(campaignBody, "The campaign as it is now") },
});

const facts = {
  pause: { fact: "paused" },
  resume: { fact: "resumed" },
  kill: { fact: "killed" },
} as const satisfies Record<string, CampaignFact>;

export function steeringRoutes(app: OpenAPIHono<ApiEnv>, { clock, transact }: ApiCapabilities): void {
  app.openapi(publishRoute, async (context) => {
    const { campaign: name } = context.req.valid("param");
    const actor = context.get("actor");
    const at = clock.now();
    const answer = await transact(async ({ campaigns, runs, changesets, tasks, audit }) => {
      const campaign = await campaigns.get(name);
      assertAlive(campaign);
      const specVersion = campaign.currentVersion;
      const run = await runs.latest(name);
      if (run?.specVersion !== specVersion) {
        throw new Rejected("conflict", `Spec version ${specVersion} was not previewed yet: octobatch preview ${name}.`);
      }
      const progress = await runs.progress(name, run.number);
      if (run.failure !== undefined) {
        throw new Rejected(
          "conflict",
          `The preview failed (${run.failure}). Preview again: octobatch preview ${name}.`,
        );
      }
      if (!isFinished(run, progress)) {
        const left = progress.pending + progress.running;
        throw new Rejected("conflict", `The preview is not finished: ${left} repositories are left. Wait for it.`);
      }
      const targets = await runs.targets(name, run.number);
      const asked = askToPublish(await changesets.ofCampaign(name), run.number, targets);
      const { ready, closing, others, unseen, ...counts } = asked;
      await changesets.saveAll([...ready, ...closing, ...others], at);
      await tasks.addAll(
        [...ready, ...closing].map(({ id, repository, version }) =>
          taskFor(
            changesetReady,
            { changesetId: id },
            { campaign: name, organization: repository.owner, notBefore: at, dedupe: [version] },
          ),
        ),
        at,
      );
      const dedupeKey = `published/${crypto.randomUUID()}`;
      const detail = { run: run.number, asked: ready.length, closing: closing.length };
      await audit.append([{ at, actor, action: "campaign.published", campaign: name, specVersion, detail, dedupeKey }]);
      return { asked: ready.length, closing: closing.length, ...counts, unseen: unseen.map(nameOf) };
    });
    return context.json(answer, 200);
  });

  app.openapi(steeringRoute, async (context) => {
    const { campaign: name, verb } = context.req.valid("param");
    const actor = context.get("actor");
    const at = clock.now();
    await transact(async ({ campaigns, runs, executions, tasks, audit }) => {
      const before = await campaigns.get(name);
      const after = steer(before, facts[verb]);
      if (after !== before) await campaigns.save(after, at);
      if (after !== before && verb === "kill") await cancelWork(name, { runs, executions, tasks }, at);
      await audit.append([
        {
          at,
          actor,
          action: `campaign.${facts[verb].fact}`,
          campaign: name,
          detail: { changed: after !== before },
          dedupeKey: `${verb}/${crypto.randomUUID()}`,
        },
      ]);
    });
    return context.json(campaignView(await transact(({ campaigns }) => campaigns.get(name))), 200);
  });
}

function nameOf({ repository: { owner, name }, workspace }: Changeset): string {
  return [`${owner}/${name}`, ...(workspace === "" ? [] : [workspace])].join(" ");
}

const whenKilled = "the campaign was killed";

/** Cancels what a killed campaign still had to do; transforms that run are ended. */
async function cancelWork(
  campaign: string,
  { runs, executions, tasks }: Pick<ApiCapabilities, "runs" | "executions" | "tasks">,
  at: Date,
): Promise<void> {
  // It waits for those that are being found, so that what follows from them is cancelled as well.
  await runs.cancelLookups(campaign, whenKilled);
  await tasks.cancelAll(campaign, alwaysReleased, at);
  const ids = [
    ...(await executions.idsWithStatus(campaign, "pending")),
    ...(await executions.idsWithStatus(campaign, "running")),
  ];
  for (const id of ids) await cancelExecution(id, { executions, tasks }, at);
}

/** While a campaign is killed its executions go on ending: one that moves meanwhile is read again, and holds up no kill. */
async function cancelExecution(
  executionId: string,
  { executions, tasks }: Pick<ApiCapabilities, "executions" | "tasks">,
  at: Date,
): Promise<void> {
  for (;;) {
    const execution = await executions.get(executionId);
    const state = advance(executionLifecycle, execution.state, { fact: "cancelled", because: whenKilled });
    if (state === undefined) return;
    try {
      await executions.save({ ...execution, state }, at);
    } catch (error) {
      if (error instanceof Conflict) continue;
      throw error;
    }
    const { campaign, attempt, repository } = execution;
    const where = { campaign, organization: repository.owner, notBefore: at, dedupe: [attempt] };
    return tasks.addAll([taskFor(executionCancelled, { executionId, attempt }, where)], at);
  }
}
