import { z } from "zod";
import type { Installation } from "#shared/ports/code-host.ts";

/** What a webhook delivery tells us. Its own content is never believed further: it says only where to look. */
export type WebhookPlan =
  | { readonly kind: "look-at-pull-request"; readonly repositoryId: number; readonly pullRequest: number }
  | { readonly kind: "look-at-branch"; readonly repositoryId: number; readonly branch: string }
  | { readonly kind: "installed"; readonly installation: Installation }
  | { readonly kind: "uninstalled"; readonly installationId: number }
  | { readonly kind: "ignore"; readonly because: string };

const repository = z.object({ id: z.int() });

const pullRequestPayload = z.object({ repository, pull_request: z.object({ number: z.int() }) });

const pushPayload = z.object({ repository, ref: z.string() });

const installationPayload = z.object({
  action: z.string(),
  installation: z.object({
    id: z.int(),
    account: z.object({ login: z.string() }),
    suspended_at: z.string().nullish(),
  }),
});

/** The parts of any payload that are kept with the delivery. */
export const envelope = z.object({ action: z.string().optional(), repository: repository.optional() });

/** The events that something depends on, and what a delivery of each asks for. */
const plans: ReadonlyMap<string, (payload: unknown) => WebhookPlan> = new Map([
  ["pull_request", planPullRequest],
  ["push", planPush],
  ["installation", planInstallation],
]);

/**
 * Decides what a delivery asks for, by the name of its event (the X-GitHub-Event header).
 * @throws z.ZodError when the payload of a known event is not what GitHub documents.
 */
export function planWebhook(event: string, payload: unknown): WebhookPlan {
  return plans.get(event)?.(payload) ?? { kind: "ignore", because: `nothing depends on ${event} events` };
}

/** Whether anything depends on such events. */
export function isHeeded(event: string): boolean {
  return plans.has(event);
}

function planPullRequest(payload: unknown): WebhookPlan {
  const { repository, pull_request } = pullRequestPayload.parse(payload);
  return { kind: "look-at-pull-request", repositoryId: repository.id, pullRequest: pull_request.number };
}

function planPush(payload: unknown): WebhookPlan {
  const { repository, ref } = pushPayload.parse(payload);
  const branch = /^refs\/heads\/(.+)$/.exec(ref)?.[1];
  if (branch === undefined) return { kind: "ignore", because: `${ref} is no branch` };
  return { kind: "look-at-branch", repositoryId: repository.id, branch };
}

function planInstallation(payload: unknown): WebhookPlan {
  const { action, installation } = installationPayload.parse(payload);
  if (action === "deleted") return { kind: "uninstalled", installationId: installation.id };
  const suspended = action === "suspend" || (action !== "unsuspend" && (installation.suspended_at ?? null) !== null);
  return {
    kind: "installed",
    installation: { id: installation.id, account: installation.account.login, suspended },
  };
}
