import type { ChangedFile } from "#shared/execution/changed-file.ts";
import type {
  ChangedFileStore,
  ChangeQuery,
  FoundFile,
  RepositoryChanges,
} from "#shared/execution/changed-file-store.ts";
import { globExpression } from "#shared/spec/glob.ts";
import { prepared, rowsOf, withoutNulls, write, type Sql, type SqlValue } from "./sql.ts";

interface FoundRow {
  readonly full_name: string;
  readonly key: string;
  readonly workspace: string;
  readonly execution_id: string;
  readonly found: number;
  readonly path: string;
  readonly old_path: string | null;
  readonly change: FoundFile["change"];
  readonly mode: string;
  readonly old_mode: string;
  readonly additions: number;
  readonly deletions: number;
  readonly is_binary: boolean;
  readonly truncated: boolean;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** What is shown of one repository and of one file; the patch has the rest. */
const shownAtMost = { files: 50, lines: 5, lineCharacters: 300, examples: 10 } as const;

/** Postgres matches regular expressions without going back, so that no glob takes long. */
const isFound = `
  (CAST(:path AS text) IS NULL OR file.path COLLATE "C" ~ :path OR file.old_path COLLATE "C" ~ :path)
  AND (CAST(:change AS text) IS NULL OR file.change = :change)
  AND (CAST(:added AS text) IS NULL OR strpos(file.added COLLATE "C", :added) > 0)
  AND (CAST(:removed AS text) IS NULL OR strpos(file.removed COLLATE "C", :removed) > 0)`;

/** The first lines that have the text, each cut to a length that still shows it. */
function linesWith(text: ":added" | ":removed", lines: string): string {
  return `ARRAY(
    SELECT substr(line, greatest(1, strpos(line, ${text}) - :before), :lineCharacters)
    FROM string_to_table(${lines} COLLATE "C", chr(10)) WITH ORDINALITY AS lines (line, number)
    WHERE strpos(line, ${text}) > 0 ORDER BY number LIMIT :lines)`;
}

export function createChangedFileStore(sql: Sql): ChangedFileStore {
  return {
    async addAll(executionId, files) {
      if (files.length === 0) return;
      await write(
        sql,
        prepared(`INSERT INTO changed_files (execution_id, position, path, old_path, change, mode, old_mode, additions, deletions,
                                    is_binary, added, removed, truncated)
         SELECT :executionId, position, path, "oldPath", change, mode, "oldMode", additions, deletions, "binary",
                added, removed, truncated
         FROM jsonb_to_recordset(CAST(:files AS jsonb)) AS file (
           position integer, path text, "oldPath" text, change text, mode text, "oldMode" text, additions integer,
           deletions integer, "binary" boolean, added text, removed text, truncated boolean)
         ON CONFLICT (execution_id, position) DO NOTHING`),
        { executionId, files: JSON.stringify(files.map(storedFile)) },
      );
    },

    // Repository by repository, in the order of the page: it takes no longer the more campaigns there are.
    async search(query) {
      const rows = await rowsOf<FoundRow>(
        sql,
        `WITH page AS (
           SELECT target.full_name, target.key, target.workspace, target.execution_id, counted.found
           FROM repo_targets target
           CROSS JOIN LATERAL (
             SELECT count(*) AS found FROM changed_files file
             WHERE file.execution_id = target.execution_id AND ${isFound}) counted
           WHERE target.campaign = :campaign AND target.run = :run AND counted.found > 0
             AND (target.full_name COLLATE "C", target.key COLLATE "C") > (:afterName, :afterKey)
           ORDER BY target.full_name COLLATE "C", target.key COLLATE "C"
           LIMIT :limit)
         SELECT page.*, file.path, file.old_path, file.change, file.mode, file.old_mode, file.additions, file.deletions,
                file.is_binary, file.truncated,
                ${linesWith(":added", "file.added")} AS added,
                ${linesWith(":removed", "file.removed")} AS removed
         FROM page
         CROSS JOIN LATERAL (
           SELECT * FROM changed_files file WHERE file.execution_id = page.execution_id AND ${isFound}
           ORDER BY position LIMIT :files) file
         ORDER BY page.full_name COLLATE "C", page.key COLLATE "C", file.position`,
        valuesOf(query),
      );
      const repositories = byRepository(rows);
      const last = repositories.length === query.limit ? rows.at(-1) : undefined;
      return { repositories, ...(last === undefined ? {} : { next: placeOf(last) }) };
    },

    async unsearched(campaign, run) {
      const rows = await rowsOf<{ readonly full_name: string; readonly repositories: number }>(
        sql,
        `SELECT target.full_name, count(*) OVER () AS repositories
         FROM repo_targets target
         JOIN executions execution ON execution.id = target.execution_id
         WHERE target.campaign = :campaign AND target.run = :run
           AND (execution.state ->> 'was' = 'patch'
             OR execution.status = 'patch'
               AND (execution.state -> 'statistics' ->> 'filesChanged')::integer > (
                 SELECT count(*) FROM changed_files file WHERE file.execution_id = execution.id AND NOT file.truncated))
         ORDER BY target.full_name COLLATE "C" LIMIT :examples`,
        { campaign, run, examples: shownAtMost.examples },
      );
      return { repositories: rows[0]?.repositories ?? 0, examples: rows.map(({ full_name }) => full_name) };
    },
  };
}

function storedFile({ added, removed, ...file }: ChangedFile, position: number): unknown {
  return { ...file, position, added: added.join("\n"), removed: removed.join("\n") };
}

function valuesOf({
  campaign,
  run,
  path,
  added,
  removed,
  change,
  after,
  limit,
}: ChangeQuery): Record<string, SqlValue> {
  const [, afterName = "", afterKey = ""] = /^(\S*) ?(.*)$/su.exec(after ?? "") ?? [];
  return {
    campaign,
    run,
    path: path === undefined ? null : globExpression(path),
    added: added ?? null,
    removed: removed ?? null,
    change: change ?? null,
    afterName,
    afterKey,
    limit,
    files: shownAtMost.files,
    lines: shownAtMost.lines,
    lineCharacters: shownAtMost.lineCharacters,
    before: shownAtMost.lineCharacters / 3,
  };
}

/** Names have no spaces; keys may have. The key tells the workspaces of a repository apart. */
function placeOf({ full_name, key }: FoundRow): string {
  return `${full_name} ${key}`;
}

function byRepository(rows: readonly FoundRow[]): readonly RepositoryChanges[] {
  const repositories = new Map<string, RepositoryChanges & { files: FoundFile[] }>();
  for (const row of rows) {
    const place = placeOf(row);
    const { full_name: fullName, workspace, execution_id: executionId, found } = row;
    const repository = repositories.get(place) ?? { fullName, workspace, executionId, found, files: [] };
    repository.files.push(fileFrom(row));
    repositories.set(place, repository);
  }
  return [...repositories.values()];
}

function fileFrom(row: FoundRow): FoundFile {
  const { path, change, mode, additions, deletions, truncated, added, removed } = row;
  const same = { path, change, mode, additions, deletions, truncated, added, removed };
  return { ...same, oldMode: row.old_mode, binary: row.is_binary, ...withoutNulls({ oldPath: row.old_path }) };
}
