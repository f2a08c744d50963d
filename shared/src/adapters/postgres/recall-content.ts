import type { Recall } from "#shared/pacing/recollection.ts";
import { rowsOf, type Sql } from "./sql.ts";

/**
 * What was created on GitHub in the last hour, as the audit log has it: for a pacing that has lost its memory. An
 * installation that no webhook has told of may be any, so everything counts as its own.
 */
export function createRecall(sql: Sql): Recall {
  return async (installation, now) => {
    const rows = await rowsOf<{ readonly at: Date }>(
      sql,
      `SELECT at FROM audit_log
       WHERE action IN ('pull-request.opened', 'reviewers.added') AND at > CAST(:now AS timestamptz) - interval '1 hour'
         AND (NOT EXISTS (SELECT 1 FROM installations WHERE id::text = :installation)
              OR lower(split_part(repository, '/', 1)) IN
                 (SELECT lower(account) FROM installations WHERE id::text = :installation))
       ORDER BY at`,
      { installation, now },
    );
    return { contentCreatedAt: rows.map(({ at }) => at) };
  };
}
