import { executionReported } from "#eventing/execution.ts";
import { createStores } from "#shared/adapters/postgres/stores.ts";
import { taskFor } from "#shared/task/task.ts";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import type { Foundation } from "./foundation.ts";
import { alwaysReleased } from "./task-release.ts";

/** Makes a task of the report that a transform has ended, so that it is not lost. */
export function reportingTo(
  foundation: Pick<Foundation, "clock" | "database" | "dispatcher">,
): (job: Pick<TransformJob, "executionId" | "attempt" | "campaign" | "source">) => Promise<void> {
  const { clock, database, dispatcher } = foundation;
  const { tasks } = createStores(database.knex, alwaysReleased);
  return async ({ executionId, attempt, campaign, source }) => {
    const at = clock.now();
    const where = { campaign: campaign.name, organization: source.owner, notBefore: at, dedupe: [attempt] };
    await tasks.addAll([taskFor(executionReported, { executionId, attempt }, where)], at);
    dispatcher.kick();
  };
}
