import type { CampaignOverview, RepositoryStanding, Standing } from "#shared/campaign/campaign-overview.ts";
import { rowsOf, withoutNulls, type Sql, type SqlValue } from "./sql.ts";

interface StandingRow {
  readonly full_name: string;
  readonly workspace: string;
  readonly standing: Standing;
  readonly because: string;
  readonly execution_id: string | null;
  readonly changeset_id: string | null;
  readonly pull_request: number | null;
  readonly url: string | null;
  readonly files_changed: number | null;
  readonly additions: number | null;
  readonly deletions: number | null;
}

/**
 * A target stands for workspaces that are not found yet, or could not be, until there is one for each. A changeset speaks
 * for its repository or workspace as soon as this run's execution has a patch; a pull request of an earlier run is
 * shown even where this run found no change, and one that is open even where it did not select the repository. A result that has expired is still what it was; that its patch is gone, the
 * changeset says that needs it. What a changeset waits for is written on its task.
 */
const standingsOfRun = `
  SELECT target.full_name,
         target.workspace,
         CASE
           WHEN NOT target.selected THEN CASE WHEN changeset.is_there THEN changeset.status ELSE 'excluded' END
           WHEN target.workspace_lookup = 'failed' THEN 'execution-failed'
           WHEN target.workspace_lookup IS NOT NULL THEN target.workspace_lookup
           WHEN execution.outcome = 'patch' OR changeset.pull_request IS NOT NULL THEN coalesce(changeset.status, 'unpublished')
           WHEN execution.outcome = 'failed' THEN 'execution-failed'
           ELSE execution.outcome
         END AS standing,
         CASE
           WHEN NOT target.selected THEN
             CASE
               WHEN changeset.is_there THEN coalesce(waiting.because, changeset.state ->> 'because', target.because)
               ELSE target.because
             END
           WHEN target.workspace_lookup = 'pending' THEN coalesce(waiting.because, 'its workspaces are being found')
           WHEN target.workspace_lookup IS NOT NULL THEN target.because
           ELSE coalesce(
             CASE WHEN changeset.pull_request IS NOT NULL OR execution.outcome = 'patch' THEN changeset.state ->> 'because' END,
             execution.because,
             changeset.state ->> 'because',
             nullif(concat_ws('; ', VARIADIC ARRAY(
               SELECT jsonb_array_elements_text(changeset.state -> 'published' -> 'notes'))), ''),
             waiting.because,
             target.because)
         END AS because,
         target.execution_id,
         changeset.id AS changeset_id,
         changeset.pull_request,
         changeset.state -> 'published' ->> 'url' AS url,
         (execution.state -> 'statistics' ->> 'filesChanged')::integer AS files_changed,
         (execution.state -> 'statistics' ->> 'additions')::integer AS additions,
         (execution.state -> 'statistics' ->> 'deletions')::integer AS deletions
  FROM repo_targets target
  LEFT JOIN (
    SELECT id, state, coalesce(state ->> 'was', status) AS outcome, CASE WHEN status <> 'expired' THEN state ->> 'because' END AS because
    FROM executions
  ) execution ON execution.id = target.execution_id
  LEFT JOIN (
    SELECT *, pull_request IS NOT NULL AND status NOT IN ('merged', 'closed', 'withdrawn') AS is_there FROM changesets
  ) changeset
    ON changeset.campaign = target.campaign AND changeset.repository_id = (target.repository ->> 'id')::bigint
      AND changeset.workspace = target.workspace
  LEFT JOIN LATERAL (
    SELECT because FROM tasks
    WHERE tasks.campaign = target.campaign AND tasks.because IS NOT NULL
      AND tasks.state IN ('due', 'sent', 'running', 'awaiting')
      AND tasks.subject IN (
        changeset.id,
        execution.id,
        CASE target.workspace_lookup WHEN 'pending' THEN target.campaign || '/' || target.run || '/' || target.key END)
    ORDER BY tasks.updated_at DESC LIMIT 1
  ) waiting ON true
  WHERE target.campaign = :campaign AND target.run = :run`;

export function createCampaignOverview(sql: Sql): CampaignOverview {
  async function select(condition: string, values: Readonly<Record<string, SqlValue>>) {
    const rows = await rowsOf<StandingRow>(
      sql,
      `SELECT * FROM (${standingsOfRun}) standings WHERE ${condition}`,
      values,
    );
    return rows.map(standingFrom);
  }

  return {
    repositories: ({ campaign, run, standing, after, limit }) =>
      select(
        `(CAST(:standing AS text) IS NULL OR standing = :standing)
           AND (full_name COLLATE "C", workspace COLLATE "C") > (:fullName, :workspace)
         ORDER BY full_name COLLATE "C", workspace COLLATE "C" LIMIT :limit`,
        { campaign, run, standing: standing ?? null, ...(after ?? { fullName: "", workspace: "" }), limit },
      ),

    repository: (campaign, run, fullName) =>
      select('lower(full_name) = lower(:fullName) ORDER BY workspace COLLATE "C"', { campaign, run, fullName }),

    async counts(campaign, run) {
      const rows = await rowsOf<{ readonly standing: Standing; readonly count: number }>(
        sql,
        `SELECT standing, count(*) AS count FROM (${standingsOfRun}) standings GROUP BY 1`,
        { campaign, run },
      );
      return Object.fromEntries(rows.map(({ standing, count }) => [standing, count]));
    },
  };
}

function standingFrom(row: StandingRow): RepositoryStanding {
  return {
    fullName: row.full_name,
    ...(row.workspace === "" ? {} : { workspace: row.workspace }),
    standing: row.standing,
    because: row.because,
    ...withoutNulls({
      executionId: row.execution_id,
      changesetId: row.changeset_id,
      filesChanged: row.files_changed,
      additions: row.additions,
      deletions: row.deletions,
    }),
    ...(row.pull_request === null || row.url === null
      ? {}
      : { pullRequest: { number: row.pull_request, url: row.url } }),
  };
}
