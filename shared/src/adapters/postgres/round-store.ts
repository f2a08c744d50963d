import type { RoundStore } from "#shared/task/round-store.ts";
import { rowsOf, write, type Sql } from "./sql.ts";

export function createRoundStore(sql: Sql): RoundStore {
  return {
    async claim({ name, everyMs }, at) {
      const after = (periods: number) => new Date(at.getTime() + periods * everyMs);
      // Of those who come at once, one finds the row as it was. A time that is two periods away was written by a clock
      // that was ahead, or when the period was longer: nobody waits for that one.
      const written = await write(
        sql,
        `INSERT INTO rounds (name, next_at) VALUES (:name, :nextAt)
         ON CONFLICT (name) DO UPDATE SET next_at = :nextAt WHERE rounds.next_at <= :at OR rounds.next_at > :tooFarAt`,
        { name, at, nextAt: after(1), tooFarAt: after(2) },
      );
      return written > 0;
    },

    async place(name) {
      const rows = await rowsOf<{ readonly place: string | null }>(sql, "SELECT place FROM rounds WHERE name = :name", {
        name,
      });
      return rows[0]?.place ?? undefined;
    },

    async goOn(name, place) {
      await write(sql, "UPDATE rounds SET place = :place WHERE name = :name", { name, place: place ?? null });
    },
  };
}
