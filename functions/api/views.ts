import type { z } from "@hono/zod-openapi";
import type { Campaign } from "#shared/campaign/campaign.ts";
import { isFinished, type RunProgress } from "#shared/run/run-store.ts";
import type { Run } from "#shared/run/run.ts";
import type { campaignBody, runBody } from "#shared/api/schemas.ts";

/** A campaign as the API shows it. */
export function campaignView({ name, state, currentVersion, createdAt }: Campaign): z.infer<typeof campaignBody> {
  return { name, status: state.status, currentVersion, createdAt: createdAt.toISOString() };
}

/** A run as the API shows it. */
export function runView(run: Run, progress: RunProgress): z.infer<typeof runBody> {
  const { campaign, number, specVersion, requestedBy, requestedAt, failure } = run;
  return {
    campaign,
    number,
    specVersion,
    requestedBy,
    requestedAt: requestedAt.toISOString(),
    selectionComplete: run.selectedAt !== undefined,
    finished: isFinished(run, progress),
    ...(failure === undefined ? {} : { failure }),
    progress,
  };
}
