import { changesetReady } from "#eventing/changeset.ts";
import { executionReported, executionRequested } from "#eventing/execution.ts";
import { selectionPageRequested } from "#eventing/selection.ts";
import { workspacesRequested } from "#eventing/workspaces.ts";
import { changesetLifecycle } from "#shared/changeset/changeset.ts";
import type { ChangesetStore } from "#shared/changeset/changeset-store.ts";
import { executionLifecycle } from "#shared/execution/execution.ts";
import type { ExecutionStore } from "#shared/execution/execution-store.ts";
import { advance } from "#shared/lifecycle.ts";
import type { RunStore } from "#shared/run/run-store.ts";
import type { Task } from "./task.ts";
import type { TaskStore } from "./task-store.ts";

interface Stores {
  readonly runs: RunStore;
  readonly executions: ExecutionStore;
  readonly changesets: ChangesetStore;
  readonly tasks: TaskStore;
}

/** Knative retries these of 4xx: the function was not there, or had no time. https://knative.dev/docs/eventing/event-delivery/ */
const retriedByBrokers = new Set(["404", "408", "409", "429"]);

/** A broker that retries ten times has had a task fail that often when it gives the event up. */
const failuresBeforeDeath = 10;

/**
 * Whether an undeliverable event means that its task cannot be done. An answer of 4xx says so; without one, or with 5xx,
 * the function may not even have been there: then the table delivers again, until it has failed often enough.
 */
export function isHopeless(task: Task, errorCode: string | undefined): boolean {
  const isRefusal = /^4\d\d$/.test(errorCode ?? "") && !retriedByBrokers.has(errorCode ?? "");
  return isRefusal || task.failures >= failuresBeforeDeath;
}

/**
 * Marks a task dead and tells the entity it was about, so that nothing waits for it and people see why. Use it in a
 * transaction. A task that is final already is left alone, so giving it up twice is safe.
 */
export async function giveUp(stores: Stores, task: Task, because: string, at: Date): Promise<void> {
  if (!(await stores.tasks.bury(task.id, because, at))) return;
  switch (task.type) {
    case selectionPageRequested.type: {
      const { campaign, run } = selectionPageRequested.schema.parse(task.data);
      return stores.runs.selectionFailed(campaign, run, `the selection was given up: ${because}`);
    }
    case workspacesRequested.type: {
      const { campaign, run, key } = workspacesRequested.schema.parse(task.data);
      return stores.runs.lookupFailed(campaign, run, key, `its workspaces were not found: ${because}`);
    }
    case executionRequested.type:
    case executionReported.type: {
      const { executionId, attempt } = executionRequested.schema.parse(task.data);
      const execution = await stores.executions.get(executionId);
      const state = advance(executionLifecycle, execution.state, { fact: "failed", because: `given up: ${because}` });
      if (state === undefined || execution.attempt !== attempt) return;
      await stores.executions.save({ ...execution, state }, at);
      return stores.tasks.finishAllOf([executionRequested.type], executionId, at);
    }
    case changesetReady.type: {
      const { changesetId } = changesetReady.schema.parse(task.data);
      const changeset = await stores.changesets.get(changesetId);
      const state = advance(changesetLifecycle, changeset.state, { fact: "refused", because: `given up: ${because}` });
      if (state === undefined) return;
      // Its slot stays taken: nobody knows whether an attempt that was lost has opened the pull request.
      return stores.changesets.saveAll([{ ...changeset, state }], at);
    }
    default:
      // A nudge or a cancellation that is given up leaves nothing waiting: the sweep looks again.
      return;
  }
}
