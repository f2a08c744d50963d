import type { InstallationStore } from "#shared/installation/installation-store.ts";
import type { DeadLetterStore } from "#shared/task/dead-letter-store.ts";
import type { DeliveryStore } from "#shared/webhook/delivery-store.ts";
import { rowsOf, write, type Sql } from "./sql.ts";

export function createInstallationStore(sql: Sql): InstallationStore {
  return {
    async save({ id, account, suspended }, at) {
      // An App that was removed and installed again has a new id for the same account.
      await write(sql, "DELETE FROM installations WHERE lower(account) = lower(:account) AND id <> :id", {
        account,
        id,
      });
      await write(
        sql,
        `INSERT INTO installations (id, account, suspended, updated_at) VALUES (:id, :account, :suspended, :at)
         ON CONFLICT (id) DO UPDATE SET account = :account, suspended = :suspended, updated_at = :at`,
        { id, account, suspended, at },
      );
    },
    async remove(id) {
      await write(sql, "DELETE FROM installations WHERE id = :id", { id });
    },
    list: () => rowsOf(sql, "SELECT id, account, suspended FROM installations ORDER BY account"),
  };
}

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
