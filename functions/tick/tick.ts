import { changesetNudged } from "#eventing/changeset.ts";
import { ticked } from "#eventing/tick.ts";
import { defineFunction } from "#shared/runtime/define-function.ts";
import { maxFailures } from "#shared/runtime/handle-event.ts";
import { serve } from "#shared/runtime/serve.ts";
import { giveUp } from "#shared/task/give-up.ts";
import { taskFor } from "#shared/task/task.ts";
import { doRounds } from "./rounds.ts";

/** Every pull request is compared with GitHub at least this often, whatever became of its webhooks. */
const sweepAfterMs = 15 * 60_000;

/** How many are compared after one tick: the rest are older still at the next. */
const sweepAtOnce = 500;

/**
 * Does what time makes due: sends again what was lost, gives up what cannot be done, compares with GitHub what was not
 * compared for long, looks after installations and webhooks, and lets artifacts expire. What is due is released after
 * every function; so also after this one.
 *
 * Safe at any moment, twice or never: each part asks the tables what there is to do.
 */
export const tick = defineFunction({
  name: "tick",
  tokenRole: "keeper",
  on: ticked,
  needs: [
    "runs",
    "executions",
    "liveLogs",
    "changesets",
    "tasks",
    "blobs",
    "artifactDays",
    "hostApp",
    "installations",
    "deliveries",
    "rounds",
    "clock",
    "log",
  ],
  async handle(_, capabilities) {
    const { changesets, tasks, clock, log, transact } = capabilities;
    const at = clock.now();
    const { recovered, exhausted } = await tasks.recover(at, maxFailures);
    for (const task of exhausted) {
      const because = task.because ?? `it was lost ${task.failures + 1} times`;
      try {
        await transact((stores) => giveUp(stores, task, because, at));
      } catch (error) {
        // It holds up none of the others; the next tick comes back to it.
        log.error({ err: error, lost: task.id, type: task.type }, "a lost task could not be given up");
      }
    }
    const before = new Date(at.getTime() - sweepAfterMs);
    const unseen = await changesets.uncheckedSince(before, sweepAtOnce);
    const period = Math.floor(at.getTime() / sweepAfterMs);
    const nudges = unseen.map(({ id, campaign, repository }) =>
      taskFor(
        changesetNudged,
        { changesetId: id },
        { campaign, organization: repository.owner, notBefore: at, dedupe: ["sweep", period] },
      ),
    );
    if (nudges.length > 0) await tasks.addAll(nudges, at);
    const did = [`recovered ${recovered}, gave up ${exhausted.length}, nudged ${nudges.length}`];
    // Last, since these wait for the code host and the blob store.
    return { did: [...did, ...(await doRounds(capabilities))].join("; ") };
  },
});

if (import.meta.main) await serve(tick);
