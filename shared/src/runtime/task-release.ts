import { changesetNudged, changesetReady } from "#eventing/changeset.ts";
import { executionCancelled, executionReported, executionRequested } from "#eventing/execution.ts";
import { selectionPageRequested } from "#eventing/selection.ts";
import { workspacesRequested } from "#eventing/workspaces.ts";
import type { ReleaseLimits } from "#shared/task/task-store.ts";
import type { Settings } from "./config.ts";

/** Types whose tasks change nothing on the code host and start nothing: they go on while a campaign is paused or killed. */
export const alwaysReleased: readonly string[] = [
  executionReported.type,
  executionCancelled.type,
  changesetNudged.type,
];

export const releaseSettings = [
  "OCTOBATCH_EXECUTIONS_AT_ONCE",
  "OCTOBATCH_PUBLISHES_AT_ONCE",
  "OCTOBATCH_RECONCILES_AT_ONCE",
] as const;

/**
 * How many more executions are released than run at once, where the sandbox is in this process: they wait in it, so that
 * none of its places stands empty while others are collected. A campaign that is held meanwhile does not begin them.
 */
export function executionsAhead(settings: Pick<Settings, "OCTOBATCH_EXECUTIONS_AT_ONCE">): number {
  return settings.OCTOBATCH_EXECUTIONS_AT_ONCE + 1;
}

/**
 * How many tasks of each type may be in flight at once in an organization: the back-pressure of the whole system.
 *
 * @param ahead How many executions may wait in the sandbox besides those that run.
 */
export function releaseLimits(
  settings: Pick<Settings, (typeof releaseSettings)[number]>,
  ahead: number = 0,
): ReleaseLimits {
  return {
    [selectionPageRequested.type]: 2,
    [workspacesRequested.type]: settings.OCTOBATCH_RECONCILES_AT_ONCE,
    [executionRequested.type]: settings.OCTOBATCH_EXECUTIONS_AT_ONCE + ahead,
    [executionReported.type]: settings.OCTOBATCH_RECONCILES_AT_ONCE,
    [executionCancelled.type]: settings.OCTOBATCH_RECONCILES_AT_ONCE,
    [changesetReady.type]: settings.OCTOBATCH_PUBLISHES_AT_ONCE,
    [changesetNudged.type]: settings.OCTOBATCH_RECONCILES_AT_ONCE,
  };
}
