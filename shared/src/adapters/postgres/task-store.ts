import type { NewTask, Task, TaskState } from "#shared/task/task.ts";
import type { BegunTask, TaskStore } from "#shared/task/task-store.ts";
import { prepared, rowsOf, withoutNulls, write, type Sql } from "./sql.ts";

interface TaskRow {
  readonly id: string;
  readonly type: string;
  readonly campaign: string | null;
  readonly organization: string;
  readonly subject: string;
  readonly data: unknown;
  readonly state: TaskState;
  readonly not_before: Date;
  readonly attempts: number;
  readonly failures: number;
  readonly because: string | null;
}

/** Whatever sends events here: an id that is none of ours is nobody's task. */
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const columns = "id, type, campaign, organization, subject, data, state, not_before, attempts, failures, because";
const inFlight = "('releasing', 'sent', 'running', 'awaiting')";
/** A task is held while its campaign is paused or killed, unless its type only reads. */
const released = "(coalesce(campaigns.status, 'active') = 'active' OR type = ANY(:alwaysReleased))";
const final = "('done', 'dead', 'cancelled')";
/** A task whose lease has ended while a function was at it has failed once more. */
const failuresWithLoss = "failures + CASE state WHEN 'running' THEN 1 ELSE 0 END";

/**
 * Marks what a function has started elsewhere, which may run on: `not_before` comes before all others, so that none of them
 * takes its place. Only waiting for its turn takes the mark away.
 */
const isElsewhere = "not_before = 'epoch'";
/** At `:at`, unless it is marked. */
const dueNow = `state = 'due', lease_until = NULL,
  not_before = CASE WHEN ${isElsewhere} THEN not_before ELSE CAST(:at AS timestamptz) END`;
/** At `:notBefore`; what is marked counts as in flight until then. */
const dueLater = `state = CASE WHEN ${isElsewhere} THEN 'awaiting' ELSE 'due' END,
  lease_until = CASE WHEN ${isElsewhere} THEN CAST(:notBefore AS timestamptz) END,
  not_before = CASE WHEN ${isElsewhere} THEN not_before ELSE CAST(:notBefore AS timestamptz) END`;

/** The function is in the migrations: it counts under a lock, and one round trip is all that takes. */
const claimDueTasks = prepared(
  `SELECT ${columns} FROM claim_due_tasks(CAST(:limits AS jsonb), :alwaysReleased, :at, :leaseUntil)`,
);

/** @param alwaysReleased Types whose tasks only read, and so go on while their campaign is paused or killed. */
export function createTaskStore(sql: Sql, alwaysReleased: readonly string[]): TaskStore {
  /** Writes a begun task, unless somebody has begun it since: the number of attempts tells. */
  async function leave(task: BegunTask, set: string, values: Readonly<Record<string, string | Date | null>>) {
    await write(
      sql,
      prepared(
        `UPDATE tasks SET ${set}, updated_at = :at WHERE id = :id AND state = 'running' AND attempts = :attempts`,
      ),
      { ...values, id: task.id, attempts: task.attempts },
    );
  }

  return {
    async addAll(tasks, at) {
      await write(
        sql,
        prepared(`INSERT INTO tasks (id, type, dedupe_key, campaign, organization, subject, data, not_before, created_at, updated_at)
         SELECT id, type, "dedupeKey", campaign, organization, subject, data, "notBefore", :at, :at
         FROM jsonb_to_recordset(CAST(:tasks AS jsonb)) AS task (
           id uuid, type text, "dedupeKey" text, campaign text, organization text, subject text, data jsonb,
           "notBefore" timestamptz)
         ON CONFLICT DO NOTHING`),
        { tasks: JSON.stringify(tasks satisfies readonly NewTask[]), at },
      );
    },

    async find(id) {
      if (!uuid.test(id)) return undefined;
      const [row] = await rowsOf<TaskRow>(sql, "SELECT * FROM tasks WHERE id = :id", { id });
      return row && taskFrom(row);
    },

    async claimDue(limits, at, leaseMs) {
      const rows = await rowsOf<TaskRow>(sql, claimDueTasks, {
        limits: JSON.stringify(limits),
        alwaysReleased,
        at,
        leaseUntil: later(at, leaseMs),
      });
      return rows.map(taskFrom);
    },

    async sent(ids, at, leaseMs) {
      await write(
        sql,
        prepared(`UPDATE tasks SET state = 'sent', lease_until = :leaseUntil, updated_at = :at
         WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'releasing'`),
        { ids, at, leaseUntil: later(at, leaseMs) },
      );
    },

    async notSent(ids, notBefore, because) {
      await write(
        sql,
        // What the broker took of an earlier announcement may just have been noted: the refusal is the later word.
        `UPDATE tasks SET ${dueLater}, because = :because
         WHERE id = ANY(CAST(:ids AS uuid[])) AND state IN ('releasing', 'sent')`,
        { ids, notBefore, because },
      );
    },

    async begin(id, at, leaseMs) {
      if (!uuid.test(id)) return undefined;
      const [row] = await rowsOf<TaskRow>(
        sql,
        prepared(`UPDATE tasks SET state = 'running', lease_until = :leaseUntil, attempts = attempts + 1,
           failures = ${failuresWithLoss}, updated_at = :at
         WHERE id = :id AND (
           state IN ('releasing', 'sent', 'awaiting')
           OR (state = 'due' AND not_before <= :at)
           OR (state = 'running' AND lease_until <= :at))
         RETURNING ${columns}`),
        { id, at, leaseUntil: later(at, leaseMs) },
      );
      return row && { ...taskFrom(row), state: "running" };
    },

    finish: (task, at) => leave(task, "state = 'done', lease_until = NULL, because = NULL", { at }),

    awaitOutcome: (task, because, at, leaseMs) =>
      leave(
        task,
        "state = 'awaiting', lease_until = :leaseUntil, not_before = 'epoch', because = :because, failures = 0",
        { because, at, leaseUntil: later(at, leaseMs) },
      ),

    postpone: (task, notBefore, because, at) =>
      leave(task, "state = 'due', lease_until = NULL, not_before = :notBefore, because = :because, failures = 0", {
        notBefore,
        because,
        at,
      }),

    retry: (task, notBefore, because, at) =>
      leave(task, `${dueLater}, because = :because, failures = failures + 1`, { notBefore, because, at }),

    failed: (task, because, at, leaseMs) =>
      leave(task, "state = 'sent', lease_until = :leaseUntil, because = :because, failures = failures + 1", {
        because,
        at,
        leaseUntil: later(at, leaseMs),
      }),

    async finishAllOf(types, subject, at) {
      await write(
        sql,
        prepared(`UPDATE tasks SET state = 'done', lease_until = NULL, because = NULL, updated_at = :at
         WHERE type = ANY(:types) AND subject = :subject AND state NOT IN ${final}`),
        { types, subject, at },
      );
    },

    async bury(id, because, at) {
      const written = await write(
        sql,
        `UPDATE tasks SET state = 'dead', lease_until = NULL, because = :because, updated_at = :at
         WHERE id = :id AND state NOT IN ${final}`,
        { id, because, at },
      );
      return written > 0;
    },

    async cancelAll(campaign, exceptTypes, at) {
      await write(
        sql,
        `UPDATE tasks SET state = 'cancelled', lease_until = NULL, updated_at = :at
         WHERE campaign = :campaign AND state NOT IN ${final} AND NOT type = ANY(:exceptTypes)`,
        { campaign, exceptTypes, at },
      );
    },

    async recover(at, maxFailures) {
      const exhausted = await rowsOf<TaskRow>(
        sql,
        `SELECT * FROM tasks WHERE state IN ${inFlight} AND lease_until <= :at AND ${failuresWithLoss} >= :maxFailures
         LIMIT 1000`,
        { at, maxFailures },
      );
      const recovered = await write(
        sql,
        `UPDATE tasks SET ${dueNow}, failures = ${failuresWithLoss}, updated_at = :at
         WHERE state IN ${inFlight} AND lease_until <= :at AND ${failuresWithLoss} < :maxFailures`,
        { at, maxFailures },
      );
      return { recovered, exhausted: exhausted.map(taskFrom) };
    },

    async releaseAllLeases(at) {
      // Jobs run on without this process, and what ran in it comes first again.
      await write(sql, `UPDATE tasks SET ${dueNow}, updated_at = :at WHERE state IN ${inFlight}`, { at });
    },

    async isMoving(at) {
      const rows = await rowsOf(
        sql,
        `SELECT 1 FROM tasks LEFT JOIN campaigns ON campaigns.name = tasks.campaign
         WHERE state IN ${inFlight} OR (state = 'due' AND not_before <= :at AND ${released}) LIMIT 1`,
        { at, alwaysReleased },
      );
      return rows.length > 0;
    },

    counts: (campaign) =>
      rowsOf(
        sql,
        `SELECT type, state, count(*) AS count FROM tasks
         WHERE CAST(:campaign AS text) IS NULL OR campaign = :campaign GROUP BY 1, 2 ORDER BY 1, 2`,
        { campaign: campaign ?? null },
      ),

    async dead(campaign) {
      const rows = await rowsOf<TaskRow>(
        sql,
        "SELECT * FROM tasks WHERE campaign = :campaign AND state = 'dead' ORDER BY updated_at, id",
        { campaign },
      );
      return rows.map(taskFrom);
    },
  };
}

function later(at: Date, ms: number): Date {
  return new Date(at.getTime() + ms);
}

function taskFrom(row: TaskRow): Task {
  return {
    id: row.id,
    type: row.type,
    organization: row.organization,
    subject: row.subject,
    data: row.data,
    state: row.state,
    notBefore: row.not_before,
    attempts: row.attempts,
    failures: row.failures,
    ...withoutNulls({ campaign: row.campaign, because: row.because }),
  };
}
