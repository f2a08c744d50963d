import { Rejected } from "#shared/errors.ts";
import type { RepositoryRef } from "#shared/ports/code-host.ts";
import type { RepoTarget, Run } from "#shared/run/run.ts";
import type { RunProgress, RunStore } from "#shared/run/run-store.ts";
import { prepared, rowsOf, withoutNulls, write, type Sql } from "./sql.ts";

interface RunRow {
  readonly campaign: string;
  readonly number: number;
  readonly spec_version: number;
  readonly requested_by: string;
  readonly requested_at: Date;
  readonly selected_at: Date | null;
  readonly failure: string | null;
}

interface TargetRow {
  readonly campaign: string;
  readonly run: number;
  readonly key: string;
  readonly repository: RepositoryRef | null;
  readonly full_name: string;
  readonly branch: string | null;
  readonly base_commit: string | null;
  readonly workspace: string;
  readonly workspace_lookup: NonNullable<RepoTarget["workspaceLookup"]> | null;
  readonly selected: boolean;
  readonly because: string;
  readonly execution_id: string | null;
}

export function createRunStore(sql: Sql): RunStore {
  async function addTargets(targets: readonly RepoTarget[]): Promise<readonly RepoTarget[]> {
    const rows = await rowsOf<TargetRow>(
      sql,
      `INSERT INTO repo_targets
         (campaign, run, key, repository, full_name, branch, base_commit, workspace, workspace_lookup, selected, because,
          execution_id)
       SELECT campaign, run, key, repository, "fullName", branch, "baseCommit", coalesce(workspace, ''),
              "workspaceLookup", selected, because, "executionId"
       FROM jsonb_to_recordset(CAST(:targets AS jsonb)) AS target (
         campaign text, run integer, key text, repository jsonb, "fullName" text, branch text, "baseCommit" text,
         workspace text, "workspaceLookup" text, selected boolean, because text, "executionId" text)
       ON CONFLICT (campaign, run, key) DO NOTHING
       RETURNING *`,
      { targets: JSON.stringify(targets) },
    );
    return rows.map(targetFrom);
  }

  return {
    async create({ campaign, specVersion, requestedBy, requestedAt }) {
      // The campaign's row makes two previews at once take turns, so that each run gets its own number.
      await rowsOf(sql, "SELECT 1 FROM campaigns WHERE name = :campaign FOR UPDATE", { campaign });
      const [row] = await rowsOf<RunRow>(
        sql,
        `INSERT INTO runs (campaign, number, spec_version, requested_by, requested_at)
         SELECT :campaign, coalesce(max(number), 0) + 1, :specVersion, :requestedBy, :requestedAt
         FROM runs WHERE campaign = :campaign
         RETURNING *`,
        { campaign, specVersion, requestedBy, requestedAt },
      );
      if (row === undefined) throw new TypeError("an INSERT … RETURNING answers its row");
      return runFrom(row);
    },

    async get(campaign, number) {
      const [row] = await rowsOf<RunRow>(sql, "SELECT * FROM runs WHERE campaign = :campaign AND number = :number", {
        campaign,
        number,
      });
      if (row === undefined) throw new Rejected("not-found", `Campaign ${campaign} has no run ${number}.`);
      return runFrom(row);
    },

    async latest(campaign) {
      const [row] = await rowsOf<RunRow>(
        sql,
        "SELECT * FROM runs WHERE campaign = :campaign ORDER BY number DESC LIMIT 1",
        { campaign },
      );
      return row && runFrom(row);
    },

    addTargets,

    async targets(campaign, run) {
      const rows = await rowsOf<TargetRow>(
        sql,
        "SELECT * FROM repo_targets WHERE campaign = :campaign AND run = :run ORDER BY key",
        { campaign, run },
      );
      return rows.map(targetFrom);
    },

    async target(campaign, run, key) {
      const [row] = await rowsOf<TargetRow>(
        sql,
        "SELECT * FROM repo_targets WHERE campaign = :campaign AND run = :run AND key = :key",
        { campaign, run, key },
      );
      if (row === undefined) throw new Rejected("not-found", `Run ${run} of ${campaign} has no repository ${key}.`);
      return targetFrom(row);
    },

    async claimLookup({ campaign, run, key }) {
      const rows = await rowsOf(
        sql,
        `SELECT 1 FROM repo_targets
         WHERE campaign = :campaign AND run = :run AND key = :key AND workspace_lookup = 'pending' FOR UPDATE`,
        { campaign, run, key },
      );
      return rows.length > 0;
    },

    async divideTarget({ campaign, run, key }, into) {
      await write(sql, "DELETE FROM repo_targets WHERE campaign = :campaign AND run = :run AND key = :key", {
        campaign,
        run,
        key,
      });
      await addTargets(into);
    },

    async lookupFailed(campaign, run, key, because) {
      await write(
        sql,
        `UPDATE repo_targets SET workspace_lookup = 'failed', because = :because
         WHERE campaign = :campaign AND run = :run AND key = :key AND workspace_lookup = 'pending'`,
        { campaign, run, key, because },
      );
    },

    async cancelLookups(campaign, because) {
      await write(
        sql,
        `UPDATE repo_targets SET workspace_lookup = 'cancelled', because = :because
         WHERE campaign = :campaign AND workspace_lookup = 'pending'`,
        { campaign, because },
      );
    },

    runsOfExecution: (executionId) =>
      rowsOf<Pick<Run, "number" | "specVersion">>(
        sql,
        prepared(
          `SELECT run.number, run.spec_version AS "specVersion"
           FROM repo_targets target
           JOIN runs run ON run.campaign = target.campaign AND run.number = target.run
           WHERE target.execution_id = :executionId
             AND run.number = (SELECT max(number) FROM runs WHERE runs.campaign = target.campaign)`,
        ),
        { executionId },
      ),

    async selectionCompleted(campaign, number, at) {
      await write(
        sql,
        `UPDATE runs SET selected_at = :at WHERE campaign = :campaign AND number = :number AND selected_at IS NULL`,
        { campaign, number, at },
      );
    },

    async selectionFailed(campaign, number, because) {
      await write(sql, "UPDATE runs SET failure = :because WHERE campaign = :campaign AND number = :number", {
        campaign,
        number,
        because,
      });
    },

    async progress(campaign, number) {
      const [row] = await rowsOf<RunProgress>(
        sql,
        `SELECT count(*) AS seen,
                count(*) FILTER (WHERE selected) AS selected,
                count(*) FILTER (WHERE status = 'pending' OR workspace_lookup = 'pending') AS pending,
                count(*) FILTER (WHERE status = 'running') AS running,
                count(*) FILTER (WHERE 'no-change' IN (status, state ->> 'was')) AS "noChange",
                count(*) FILTER (WHERE 'patch' IN (status, state ->> 'was')) AS patches,
                count(*) FILTER (WHERE status = 'failed' OR workspace_lookup = 'failed') AS failed,
                count(*) FILTER (WHERE status = 'cancelled' OR workspace_lookup = 'cancelled') AS cancelled
         FROM repo_targets LEFT JOIN executions ON executions.id = execution_id
         WHERE repo_targets.campaign = :campaign AND run = :number`,
        { campaign, number },
      );
      if (row === undefined) throw new TypeError("an aggregate answers one row");
      return row;
    },
  };
}

function runFrom(row: RunRow): Run {
  return {
    campaign: row.campaign,
    number: row.number,
    specVersion: row.spec_version,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    ...withoutNulls({ selectedAt: row.selected_at, failure: row.failure }),
  };
}

function targetFrom(row: TargetRow): RepoTarget {
  return {
    campaign: row.campaign,
    run: row.run,
    key: row.key,
    fullName: row.full_name,
    ...(row.workspace === "" ? {} : { workspace: row.workspace }),
    selected: row.selected,
    because: row.because,
    ...withoutNulls({
      repository: row.repository,
      branch: row.branch,
      baseCommit: row.base_commit,
      executionId: row.execution_id,
      workspaceLookup: row.workspace_lookup,
    }),
  };
}
