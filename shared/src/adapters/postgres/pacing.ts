import { randomUUID } from "node:crypto";
import { book, errandFor } from "#shared/pacing/book.ts";
import { answerOf, appointmentOf } from "#shared/pacing/explain.ts";
import { giveBack, wordOf } from "#shared/pacing/give-back.ts";
import type { PacingLimits } from "#shared/pacing/limits.ts";
import { loseTurns, newState, type PacingState } from "#shared/pacing/pacing-state.ts";
import { begin, recollect, type Recall } from "#shared/pacing/recollection.ts";
import { askFor, takeTurn } from "#shared/pacing/take-turn.ts";
import { PacingUnavailable, type Pacing } from "#shared/ports/pacing.ts";
import type { Database } from "./database.ts";
import { rowsOf, write, type Sql } from "./sql.ts";

export interface PostgresPacingOptions {
  readonly database: Pick<Database, "knex" | "place">;
  readonly limits: PacingLimits;
  /** Without it an installation that paced elsewhere before begins with nothing used. */
  readonly recall?: Recall;
}

/**
 * The budget of all processes in Postgres, where there is no Redis: one row an installation, locked while a decision is
 * made. It never joins a caller's transaction, so that nobody waits for another's longer work.
 */
export function createPostgresPacing({ database, limits, recall }: PostgresPacingOptions): Pacing {
  const { knex, place } = database;

  /** Changes the state of an installation alone, one after another. Answers nothing where there is none. */
  function change<T>(installation: string, now: Date, decide: (state: PacingState) => T): Promise<[T] | undefined> {
    return named(
      knex.transaction(async (transaction) => {
        const state = await lock(transaction, installation);
        if (state === undefined) return undefined;
        const decision = decide(state);
        await write(
          transaction,
          "UPDATE pacing SET state = CAST(:state AS json), updated_at = :now WHERE installation = :installation",
          { installation, state: JSON.stringify(state), now },
        );
        return [decision];
      }),
    );
  }

  /** The first of those who come at once makes the row, the others find it. */
  async function ensure(installation: string, now: Date): Promise<void> {
    const { contentCreatedAt } = (await recall?.(installation, now)) ?? { contentCreatedAt: [] };
    const state = newState(now.getTime());
    begin(state, recollect(limits, { contentCreatedAt }, now));
    await named(
      write(
        knex,
        "INSERT INTO pacing VALUES (:installation, CAST(:state AS json), :now) ON CONFLICT (installation) DO NOTHING",
        { installation, state: JSON.stringify(state), now },
      ),
    );
  }

  async function changeOrBegin<T>(installation: string, now: Date, decide: (state: PacingState) => T): Promise<T> {
    const known = await change(installation, now, decide);
    if (known !== undefined) return known[0];
    await ensure(installation, now);
    const begun = await change(installation, now, decide);
    if (begun === undefined) throw new PacingUnavailable(`The pacing of ${installation} was deleted meanwhile.`);
    return begun[0];
  }

  async function named<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new PacingUnavailable(`The pacing kept in Postgres at ${place} cannot be read: ${reason}`, { cause });
    }
  }

  return {
    async take(installation, request, now) {
      const id = randomUUID();
      const ask = askFor(limits, request, id, now);
      const decision = await changeOrBegin(installation, now, (state) => takeTurn(state, ask));
      return answerOf(decision, { id, installation }, request, limits);
    },
    done: ({ id, installation }, outcome, now) =>
      changeOrBegin(installation, now, (state) => giveBack(state, id, wordOf(outcome, now))),
    async book(installation, errand, now) {
      const ask = errandFor(limits, errand, now);
      return appointmentOf(await changeOrBegin(installation, now, (state) => book(state, ask)), limits);
    },
    async loseAllTurns(now) {
      const rows = await named(rowsOf<{ readonly installation: string }>(knex, "SELECT installation FROM pacing"));
      for (const { installation } of rows) await change(installation, now, (state) => loseTurns(state, now.getTime()));
    },
    async check() {
      await named(rowsOf(knex, "SELECT 1 FROM pacing LIMIT 1"));
    },
  };
}

async function lock(sql: Sql, installation: string): Promise<PacingState | undefined> {
  // Not waiting for the disk: when the server dies, the pacing of its last second may be forgotten, and nothing else.
  const [row] = await rowsOf<{ readonly state: PacingState }>(
    sql,
    `SELECT state, set_config('synchronous_commit', 'off', true)
     FROM pacing WHERE installation = :installation FOR UPDATE`,
    { installation },
  );
  return row?.state;
}
