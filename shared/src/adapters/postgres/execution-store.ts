import { Conflict, Rejected } from "#shared/errors.ts";
import type { Execution, ExecutionState } from "#shared/execution/execution.ts";
import type { Artifact, ExecutionStore } from "#shared/execution/execution-store.ts";
import type { RepositoryRef } from "#shared/ports/code-host.ts";
import { rowsOf, write, type Sql } from "./sql.ts";

interface ExecutionRow {
  readonly id: string;
  readonly campaign: string;
  readonly spec_version: number;
  readonly repository: RepositoryRef;
  readonly branch: string;
  readonly base_commit: string;
  readonly attempt: number;
  readonly state: ExecutionState;
  readonly version: number;
}

export function createExecutionStore(sql: Sql): ExecutionStore {
  async function find(ids: readonly string[]): Promise<ReadonlyMap<string, Execution>> {
    const rows = await rowsOf<ExecutionRow>(sql, "SELECT * FROM executions WHERE id = ANY(:ids)", { ids });
    return new Map(rows.map((row) => [row.id, executionFrom(row)]));
  }

  return {
    find,

    async get(id) {
      const execution = (await find([id])).get(id);
      if (execution === undefined) throw new Rejected("not-found", `There is no execution ${id}.`);
      return execution;
    },

    async addAll(executions, at) {
      await write(
        sql,
        `INSERT INTO executions
           (id, campaign, spec_version, repository, branch, base_commit, attempt, status, state, updated_at)
         SELECT id, campaign, "specVersion", repository, branch, "baseCommit", attempt, state ->> 'status', state, :at
         FROM jsonb_to_recordset(CAST(:executions AS jsonb)) AS execution (
           id text, campaign text, "specVersion" integer, repository jsonb, branch text, "baseCommit" text,
           attempt integer, state jsonb)
         ON CONFLICT (id) DO NOTHING`,
        { executions: JSON.stringify(executions), at },
      );
    },

    async save({ id, attempt, state, version }, at) {
      const written = await write(
        sql,
        `UPDATE executions
         SET attempt = :attempt, status = :status, state = CAST(:state AS jsonb), updated_at = :at, version = version + 1
         WHERE id = :id AND version = :version`,
        { id, attempt, status: state.status, state: JSON.stringify(state), version, at },
      );
      if (written === 0) throw new Conflict(`execution ${id} was changed by somebody else`);
    },

    async idsWithStatus(campaign, status) {
      const rows = await rowsOf<{ readonly id: string }>(
        sql,
        "SELECT id FROM executions WHERE campaign = :campaign AND status = :status ORDER BY id",
        { campaign, status },
      );
      return rows.map(({ id }) => id);
    },

    async addArtifacts(artifacts, at) {
      await write(
        sql,
        `INSERT INTO artifacts (key, execution_id, kind, created_at)
         SELECT key, "executionId", kind, :at
         FROM jsonb_to_recordset(CAST(:artifacts AS jsonb)) AS artifact (key text, "executionId" text, kind text)
         ON CONFLICT (key) DO NOTHING`,
        { artifacts: JSON.stringify(artifacts), at },
      );
    },

    artifacts(executionId) {
      return rowsOf<Artifact>(
        sql,
        `SELECT key, execution_id AS "executionId", kind FROM artifacts WHERE execution_id = :executionId ORDER BY key`,
        { executionId },
      );
    },
  };
}

function executionFrom(row: ExecutionRow): Execution {
  return {
    id: row.id,
    campaign: row.campaign,
    specVersion: row.spec_version,
    repository: row.repository,
    branch: row.branch,
    baseCommit: row.base_commit,
    attempt: row.attempt,
    state: row.state,
    version: row.version,
  };
}
