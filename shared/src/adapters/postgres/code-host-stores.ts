import type { InstallationStore } from "#shared/installation/installation-store.ts";
import type { DeadLetterStore } from "#shared/task/dead-letter-store.ts";
import type { DeliveryStore } from "#shared/webhook/delivery-store.ts";
import { rowsOf, write, type Sql } from "./sql.ts";

export function createInstallationStore(sql: Sql): InstallationStore {
  return {
    async save({ id, account, suspended }, at, unlessHeardSince) {
      const values = { id, account, suspended, at, before: unlessHeardSince ?? null };
      // An App that was removed and installed again has a new id for the same account.
      await write(
        sql,
        `UPDATE installations SET removed_at = :at
         WHERE lower(account) = lower(:account) AND id <> :id AND removed_at IS NULL AND ${isHeardBefore}`,
        values,
      );
      const written = await write(
        sql,
        `INSERT INTO installations (id, account, suspended, updated_at)
         SELECT CAST(:id AS bigint), CAST(:account AS text), CAST(:suspended AS boolean), CAST(:at AS timestamptz)
         WHERE NOT EXISTS (
           SELECT 1 FROM installations WHERE lower(account) = lower(:account) AND id <> :id AND removed_at IS NULL)
         ON CONFLICT (id) DO UPDATE
         SET account = :account, suspended = :suspended, updated_at = :at, removed_at = NULL WHERE ${isHeardBefore}`,
        values,
      );
      return written > 0;
    },
    async remove(id, at, unlessHeardSince) {
      const removed = await write(
        sql,
        `UPDATE installations SET removed_at = :at, updated_at = :at
         WHERE id = :id AND removed_at IS NULL AND ${isHeardBefore}`,
        { id, at, before: unlessHeardSince ?? null },
      );
      return removed > 0;
    },
    list: () =>
      rowsOf(sql, "SELECT id, account, suspended FROM installations WHERE removed_at IS NULL ORDER BY account"),
  };
}

const isHeardBefore = "installations.updated_at <= COALESCE(CAST(:before AS timestamptz), 'infinity')";

export function createDeliveryStore(sql: Sql): DeliveryStore {
  return {
    async add({ id, event, action, repositoryId, receivedAt, outcome }) {
      const written = await write(
        sql,
        `INSERT INTO webhook_deliveries (id, event, action, repository_id, received_at, outcome)
         VALUES (:id, :event, :action, :repositoryId, :receivedAt, :outcome) ON CONFLICT (id) DO NOTHING`,
        { id, event, action: action ?? null, repositoryId: repositoryId ?? null, receivedAt, outcome },
      );
      return written > 0;
    },
    async processed(ids) {
      const rows = await rowsOf<{ readonly id: string }>(
        sql,
        "SELECT id FROM webhook_deliveries WHERE id = ANY(CAST(:ids AS text[]))",
        { ids },
      );
      return new Set(rows.map(({ id }) => id));
    },
  };
}

export function createDeadLetterStore(sql: Sql): DeadLetterStore {
  return {
    async add({ eventId, source, type, event, errorCode, errorData, destination, receivedAt }) {
      await write(
        sql,
        `INSERT INTO dead_letters (event_id, source, type, event, error_code, error_data, destination, received_at)
         VALUES (:eventId, :source, :type, CAST(:event AS jsonb), :errorCode, :errorData, :destination, :receivedAt)
         ON CONFLICT (source, event_id) DO NOTHING`,
        {
          eventId,
          source,
          type,
          event: JSON.stringify(event),
          errorCode: errorCode ?? null,
          errorData: errorData ?? null,
          destination: destination ?? null,
          receivedAt,
        },
      );
    },
  };
}
