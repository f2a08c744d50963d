import { expireResults } from "#shared/execution/expire-results.ts";
import { sweepBlobs } from "#shared/execution/sweep-blobs.ts";
import { sweepInstallations } from "#shared/installation/sweep-installations.ts";
import { CodeHostBusy } from "#shared/ports/code-host.ts";
import type { Granted } from "#shared/runtime/capabilities.ts";
import { deliverySweepEveryMs, sweepDeliveries } from "#shared/webhook/sweep-deliveries.ts";

type Needs = Granted<
  | "executions"
  | "liveLogs"
  | "changesets"
  | "blobs"
  | "artifactDays"
  | "hostApp"
  | "installations"
  | "deliveries"
  | "rounds"
  | "clock"
  | "log"
>;

const sweepBlobsRound = "sweep-blobs";

interface Round {
  readonly name: string;
  readonly everyMs: number;
  /** @returns What it did, for people. */
  readonly run: (needs: Needs, at: Date) => Promise<string>;
}

/** What is asked of the code host about the App as a whole, and what is tidied up. */
const rounds: readonly Round[] = [
  {
    name: "sweep-deliveries",
    everyMs: deliverySweepEveryMs,
    async run(needs, at) {
      const { redelivered, refused, givenUp } = await sweepDeliveries(needs, at);
      for (const { delivery, because } of refused) needs.log.warn({ delivery: delivery.guid }, because);
      for (const { guid, event, attempts, because } of givenUp) {
        needs.log.warn({ delivery: guid, event }, `gave up a webhook after ${attempts} attempts: ${because}`);
      }
      return `asked for ${redelivered.length} webhooks again, gave up ${givenUp.length + refused.length}`;
    },
  },
  {
    name: "sweep-installations",
    everyMs: 10 * 60_000,
    async run(needs, at) {
      const { saved, removed } = await sweepInstallations(needs, at);
      return `changed ${saved} installations, removed ${removed}`;
    },
  },
  {
    name: "sweep-live-logs",
    everyMs: 5 * 60_000,
    run: async ({ liveLogs }) => `swept ${await liveLogs.sweep()} pieces of live logs`,
  },
  {
    name: "expire-results",
    everyMs: 5 * 60_000,
    run: async (needs, at) => `let ${await expireResults(needs, keptSince(needs, at), at)} results expire`,
  },
  {
    name: sweepBlobsRound,
    everyMs: 5 * 60_000,
    async run(needs, at) {
      const { seen, removed } = await sweepBlobs(needs, sweepBlobsRound, keptSince(needs, at));
      return `looked at ${seen} blobs, removed ${removed}`;
    },
  },
];

/** Artifacts that nobody has needed since then may go. */
function keptSince({ artifactDays }: Needs, at: Date): Date {
  return new Date(at.getTime() - artifactDays * 24 * 60 * 60_000);
}

/**
 * Does the rounds whose time has come; of several ticks at once one does a round. What a round leaves undone, because the
 * code host wants to wait or something does not work, is done by the next one, so its failure holds up nothing else.
 *
 * @returns What was done, for people.
 */
export async function doRounds(needs: Needs): Promise<readonly string[]> {
  const did: string[] = [];
  for (const { name, everyMs, run } of rounds) {
    const at = needs.clock.now();
    if (!(await needs.rounds.claim({ name, everyMs }, at))) continue;
    try {
      did.push(await run(needs, at));
    } catch (error) {
      const level = error instanceof CodeHostBusy ? "info" : "warn";
      needs.log[level]({ err: error, round: name }, `${name} did not come to its end; the next one goes on`);
    }
  }
  return did;
}
