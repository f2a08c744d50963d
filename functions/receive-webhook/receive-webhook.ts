import { verify } from "@octokit/webhooks-methods";
import { z } from "zod";
import { changesetNudged } from "#eventing/changeset.ts";
import type { Changeset } from "#shared/changeset/changeset.ts";
import type { ChangesetStore } from "#shared/changeset/changeset-store.ts";
import { defineHttpFunction } from "#shared/runtime/define-function.ts";
import { readBody } from "#shared/runtime/read-body.ts";
import { serve } from "#shared/runtime/serve.ts";
import { taskFor } from "#shared/task/task.ts";
import { envelope, planWebhook, type WebhookPlan } from "#shared/webhook/plan-webhook.ts";

/** GitHub sends nothing larger (https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap). */
const maxPayloadBytes = 25 * 1024 * 1024;

/**
 * Takes webhook deliveries from GitHub: verifies the signature, stores the delivery together with what it asks for, and
 * answers at once.
 *
 * Safe to deliver twice: a delivery is acted on once under GitHub's own id, which a redelivery keeps.
 */
export const receiveWebhook = defineHttpFunction({
  name: "receive-webhook",
  needs: ["changesets", "tasks", "installations", "deliveries", "webhookSecret", "clock", "log"],
  routes:
    ({ webhookSecret, clock, log, transact }) =>
    async (request) => {
      if (request.method !== "POST") return answer(405, "GitHub delivers webhooks with POST.");
      const event = request.headers.get("x-github-event");
      const id = request.headers.get("x-github-delivery");
      if (event === null || id === null) return answer(400, "X-GitHub-Event or X-GitHub-Delivery is missing.");

      const bytes = await readBody(request, maxPayloadBytes);
      if (bytes === undefined) return answer(413, `A delivery has at most ${maxPayloadBytes} bytes.`);
      const body = Buffer.from(bytes).toString("utf8");
      const signature = request.headers.get("x-hub-signature-256");
      if (signature === null || !(await isSigned(webhookSecret, body, signature))) {
        log.warn({ delivery: id, event: event.slice(0, 100) }, "refused a webhook: its signature is missing or wrong");
        return answer(401, "X-Hub-Signature-256 is missing or wrong. Is the webhook secret the App's?");
      }

      const read = readDelivery(event, body);
      if ("problem" in read) return answer(400, read.problem);
      const { plan, action, repositoryId } = read;
      const at = clock.now();
      const outcome = await transact(async ({ changesets, tasks, installations, deliveries }) => {
        const about = await changesetsOf(changesets, plan);
        const outcome = outcomeOf(plan, about);
        const delivery = { id, event, receivedAt: at, outcome, ...action, ...repositoryId };
        if (!(await deliveries.add(delivery))) return "processed before";
        if (plan.kind === "installed") await installations.save(plan.installation, at);
        if (plan.kind === "uninstalled") await installations.remove(plan.installationId, at);
        await tasks.addAll(
          about.map(({ id: changesetId, campaign, repository }) =>
            taskFor(
              changesetNudged,
              { changesetId },
              { campaign, organization: repository.owner, notBefore: at, dedupe: ["webhook", id] },
            ),
          ),
          at,
        );
        return outcome;
      });
      log.info({ delivery: id, event }, outcome);
      return answer(202, outcome);
    },
});

async function isSigned(secret: string, body: string, signature: string): Promise<boolean> {
  return signature.startsWith("sha256=") && (await verify(secret, body, signature));
}

type Delivery =
  | { readonly problem: string }
  | {
      readonly plan: WebhookPlan;
      readonly action: { readonly action?: string };
      readonly repositoryId: { readonly repositoryId?: number };
    };

function readDelivery(event: string, body: string): Delivery {
  try {
    const payload: unknown = JSON.parse(body);
    const { action, repository } = envelope.parse(payload);
    return {
      plan: planWebhook(event, payload),
      action: action === undefined ? {} : { action },
      repositoryId: repository === undefined ? {} : { repositoryId: repository.id },
    };
  } catch (error) {
    if (error instanceof z.ZodError)
      return { problem: `The ${event} payload is not what GitHub documents: ${error.message}` };
    if (error instanceof SyntaxError)
      return { problem: "The payload is not JSON. Set the webhook's content type to application/json." };
    throw error;
  }
}

async function changesetsOf(changesets: ChangesetStore, plan: WebhookPlan): Promise<readonly Changeset[]> {
  if (plan.kind === "look-at-pull-request") {
    return changesets.publishedAs(plan.repositoryId, { pullRequest: plan.pullRequest });
  }
  if (plan.kind === "look-at-branch") return changesets.publishedAs(plan.repositoryId, { branch: plan.branch });
  return [];
}

function outcomeOf(plan: WebhookPlan, about: readonly Changeset[]): string {
  switch (plan.kind) {
    case "look-at-pull-request":
    case "look-at-branch":
      return about.length === 0 ? "no changeset is about it" : `looking at ${about.map(({ id }) => id).join(", ")}`;
    case "installed":
      return `installed on ${plan.installation.account}${plan.installation.suspended ? ", suspended" : ""}`;
    case "uninstalled":
      return `installation ${plan.installationId} is gone`;
    case "ignore":
      return plan.because;
  }
}

function answer(status: number, text: string): Response {
  return new Response(`${text}\n`, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}

if (import.meta.main) await serve(receiveWebhook);
