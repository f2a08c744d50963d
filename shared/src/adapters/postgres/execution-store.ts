import { Conflict, Rejected } from "#shared/errors.ts";
import type { Execution, ExecutionState } from "#shared/execution/execution.ts";
import type { Artifact, ExecutionStore, LastUse } from "#shared/execution/execution-store.ts";
import { workspaceAt } from "#shared/execution/workspace.ts";
import type { RepositoryRef } from "#shared/ports/code-host.ts";
import { prepared, rowsOf, write, type Sql } from "./sql.ts";

interface ExecutionRow {
  readonly id: string;
  readonly campaign: string;
  readonly spec_version: number;
  readonly repository: RepositoryRef;
  readonly branch: string;
  readonly base_commit: string;
  readonly workspace: string;
  readonly only_fetch_workspace: boolean;
  readonly attempt: number;
  readonly state: ExecutionState;
  readonly version: number;
}

const selectExecutions = prepared(
  `SELECT id, campaign, spec_version, repository, branch, base_commit, workspace, only_fetch_workspace, attempt, state, version
   FROM executions WHERE id = ANY(:ids)`,
);

/** Changesets are found by campaign and repository, which have an index; those of other workspaces name other executions. */
const unneeded = (which: string) => `
  WITH under_way AS MATERIALIZED (
    SELECT DISTINCT campaign FROM changesets
    WHERE status IN ('ready', 'publishing') OR pull_request IS NOT NULL AND status NOT IN ('merged', 'closed'))
  SELECT execution.* FROM executions execution JOIN campaigns campaign ON campaign.name = execution.campaign
  WHERE execution.status IN ('no-change', 'patch') AND execution.updated_at < :before AND ${which}
    AND NOT EXISTS (
      SELECT 1 FROM changesets
      WHERE changesets.campaign = execution.campaign
        AND changesets.repository_id = (execution.repository ->> 'id')::bigint
        AND execution.id IN (
          changesets.desired ->> 'executionId',
          changesets.state -> 'desired' ->> 'executionId',
          changesets.state -> 'published' ->> 'executionId')
        AND (
          changesets.updated_at >= :before
          OR changesets.pull_request IS NOT NULL AND changesets.status NOT IN ('merged', 'closed')
          OR campaign.status <> 'killed' AND (
            changesets.status IN ('ready', 'publishing')
            OR changesets.status IN ('unpublished', 'failed', 'needs-human')
              AND changesets.campaign IN (SELECT campaign FROM under_way))))`;

export function createExecutionStore(sql: Sql): ExecutionStore {
  async function find(ids: readonly string[]): Promise<ReadonlyMap<string, Execution>> {
    const rows = await rowsOf<ExecutionRow>(sql, selectExecutions, { ids });
    return new Map(rows.map((row) => [row.id, executionFrom(row)]));
  }

  return {
    find,

    async get(id) {
      const execution = (await find([id])).get(id);
      if (execution === undefined) throw new Rejected("not-found", `There is no execution ${id}.`);
      return execution;
    },

    async use(ids, at) {
      // In one order, so that two who use the same ones wait for each other. A result's version grows, so that whoever
      // read it as unneeded does not write what they made of it.
      const rows = await rowsOf<ExecutionRow>(
        sql,
        `WITH used AS (SELECT id FROM executions WHERE id = ANY(:ids) ORDER BY id FOR UPDATE)
         UPDATE executions
         SET updated_at = :at, version = version + CASE WHEN status IN ('no-change', 'patch') THEN 1 ELSE 0 END
         FROM used WHERE executions.id = used.id
         RETURNING executions.*`,
        { ids, at },
      );
      return new Map(rows.map((row) => [row.id, executionFrom(row)]));
    },

    async addAll(executions, at) {
      await write(
        sql,
        `INSERT INTO executions
           (id, campaign, spec_version, repository, branch, base_commit, workspace, only_fetch_workspace, attempt, status,
            state, updated_at)
         SELECT id, campaign, "specVersion", repository, branch, "baseCommit", workspace ->> 'path',
                (workspace ->> 'onlyFetch')::boolean, attempt, state ->> 'status', state, :at
         FROM jsonb_to_recordset(CAST(:executions AS jsonb)) AS execution (
           id text, campaign text, "specVersion" integer, repository jsonb, branch text, "baseCommit" text,
           workspace jsonb, attempt integer, state jsonb)
         ON CONFLICT (id) DO NOTHING`,
        { executions: JSON.stringify(executions), at },
      );
    },

    async save({ id, attempt, state, version }, at) {
      const written = await write(
        sql,
        prepared(`UPDATE executions
         SET attempt = :attempt, status = :status, state = CAST(:state AS jsonb), updated_at = :at, version = version + 1
         WHERE id = :id AND version = :version`),
        { id, attempt, status: state.status, state: JSON.stringify(state), version, at },
      );
      if (written === 0) throw new Conflict(`execution ${id} was changed by somebody else`);
    },

    async begin({ id, attempt }, at) {
      const written = await write(
        sql,
        // As its lifecycle has it. One that runs already was lost in a crash, and is begun again.
        prepared(
          `UPDATE executions
           SET status = 'running', state = executions.state || '{"status": "running"}', updated_at = :at,
               version = executions.version + 1
           FROM campaigns
           WHERE executions.id = :id AND attempt = :attempt AND executions.status IN ('pending', 'running')
             AND campaigns.name = executions.campaign AND campaigns.status = 'active'`,
        ),
        { id, attempt, at },
      );
      return written > 0;
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
        prepared(`INSERT INTO artifacts (key, execution_id, kind, created_at)
         SELECT key, "executionId", kind, :at
         FROM jsonb_to_recordset(CAST(:artifacts AS jsonb)) AS artifact (key text, "executionId" text, kind text)
         ON CONFLICT (key) DO NOTHING`),
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

    async forgetArtifacts(executionId) {
      await write(
        sql,
        `WITH files AS (DELETE FROM changed_files WHERE execution_id = :executionId)
         DELETE FROM artifacts WHERE execution_id = :executionId`,
        { executionId },
      );
    },

    async forgetBlobs(keys) {
      await write(sql, "DELETE FROM artifacts WHERE key = ANY(:keys)", { keys });
    },

    async unneededSince(before, limit) {
      const query = `${unneeded("true")} ORDER BY execution.updated_at LIMIT :limit`;
      const rows = await rowsOf<ExecutionRow>(sql, query, { before, limit });
      return rows.map(executionFrom);
    },

    async isUnneededSince(id, before) {
      return (await rowsOf<ExecutionRow>(sql, unneeded("execution.id = :id"), { id, before })).length > 0;
    },

    async lastUses(ids) {
      const rows = await rowsOf<LastUse & { readonly id: string }>(
        sql,
        "SELECT id, status, attempt, updated_at AS at FROM executions WHERE id = ANY(:ids)",
        { ids },
      );
      return new Map(rows.map(({ id, ...use }) => [id, use]));
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
    workspace: workspaceAt(row.workspace, row.only_fetch_workspace),
    attempt: row.attempt,
    state: row.state,
    version: row.version,
  };
}
