import type { AuditLog } from "#shared/audit/audit-log.ts";
import type { CampaignStore } from "#shared/campaign/campaign-store.ts";
import type { ChangesetStore, SlotStore } from "#shared/changeset/changeset-store.ts";
import type { ChangedFileStore } from "#shared/execution/changed-file-store.ts";
import type { ExecutionStore } from "#shared/execution/execution-store.ts";
import type { InstallationStore } from "#shared/installation/installation-store.ts";
import type { LiveLogs } from "#shared/ports/live-logs.ts";
import type { RunStore } from "#shared/run/run-store.ts";
import type { DeadLetterStore } from "#shared/task/dead-letter-store.ts";
import type { RoundStore } from "#shared/task/round-store.ts";
import type { TaskStore } from "#shared/task/task-store.ts";
import type { DeliveryStore } from "#shared/webhook/delivery-store.ts";
import { createAuditLog } from "./audit-log.ts";
import { createCampaignStore } from "./campaign-store.ts";
import { createChangedFileStore } from "./changed-file-store.ts";
import { createChangesetStore, createSlotStore } from "./changeset-store.ts";
import { createDeadLetterStore, createDeliveryStore, createInstallationStore } from "./code-host-stores.ts";
import { createExecutionStore } from "./execution-store.ts";
import { createLiveLogStore } from "./live-log-store.ts";
import { createRoundStore } from "./round-store.ts";
import { createRunStore } from "./run-store.ts";
import type { Sql } from "./sql.ts";
import { createTaskStore } from "./task-store.ts";

/** Everything that is kept in Postgres, an aggregate a store. */
export interface Stores {
  readonly campaigns: CampaignStore;
  readonly runs: RunStore;
  readonly executions: ExecutionStore;
  readonly changedFiles: ChangedFileStore;
  readonly liveLogs: LiveLogs;
  readonly changesets: ChangesetStore;
  readonly slots: SlotStore;
  readonly tasks: TaskStore;
  readonly deadLetters: DeadLetterStore;
  readonly audit: AuditLog;
  readonly installations: InstallationStore;
  readonly deliveries: DeliveryStore;
  readonly rounds: RoundStore;
}

/** The stores over a pool, or over one transaction of it. */
export function createStores(sql: Sql, alwaysReleased: readonly string[]): Stores {
  return {
    campaigns: createCampaignStore(sql),
    runs: createRunStore(sql),
    executions: createExecutionStore(sql),
    changedFiles: createChangedFileStore(sql),
    liveLogs: createLiveLogStore(sql),
    changesets: createChangesetStore(sql),
    slots: createSlotStore(sql),
    tasks: createTaskStore(sql, alwaysReleased),
    deadLetters: createDeadLetterStore(sql),
    audit: createAuditLog(sql),
    installations: createInstallationStore(sql),
    deliveries: createDeliveryStore(sql),
    rounds: createRoundStore(sql),
  };
}
