import { createProcessSandbox } from "#shared/adapters/process/process-sandbox.ts";
import { createStores } from "#shared/adapters/postgres/stores.ts";
import type { Sandbox } from "#shared/ports/sandbox.ts";
import { createBlobStepCache } from "#shared/transform/blob-step-cache.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Settings } from "./config.ts";
import type { Foundation } from "./foundation.ts";
import { wayToRepositories } from "./open-github.ts";
import { reportingTo } from "./report-execution.ts";
import { alwaysReleased } from "./task-release.ts";

const megabyte = 1024 * 1024;

/** The process sandbox; what it reports becomes a task, so that no report is lost. */
export async function openProcessSandbox(
  context: Foundation & { readonly settings: Settings; readonly opened: Partial<Capabilities> },
): Promise<{ readonly value: Sandbox; readonly check: () => Promise<void>; readonly close: () => Promise<void> }> {
  const { settings, opened, clock, log, database } = context;
  const { codeHost, blobs } = opened;
  if (codeHost === undefined || blobs === undefined)
    throw new TypeError("the sandbox is opened after codeHost and blobs");
  const { liveLogs, executions } = createStores(database.knex, alwaysReleased);

  const value = createProcessSandbox({
    codeHost,
    blobs,
    liveLogs,
    ...(settings.OCTOBATCH_STEP_CACHE === "on" && { stepCache: createBlobStepCache(blobs, log) }),
    sourceCacheBytes: settings.OCTOBATCH_SOURCE_CACHE_MB * megabyte,
    secrets: (name) => settings.OCTOBATCH_SECRETS[name],
    reported: reportingTo(context),
    mayBegin: ({ executionId, attempt }) => executions.begin({ id: executionId, attempt }, clock.now()),
    workDirectory: settings.OCTOBATCH_WORK_DIRECTORY,
    slots: settings.OCTOBATCH_EXECUTIONS_AT_ONCE,
    clock,
    toolDirectories: settings.OCTOBATCH_TOOL_DIRECTORIES,
    readOnlyDirectories: settings.OCTOBATCH_READ_ONLY_DIRECTORIES,
    wayToGit: wayToRepositories(settings),
    logger: log,
    ...(settings.OCTOBATCH_ISOLATION === "none" ? { isolation: "none" as const } : {}),
  });
  return { value, check: () => value.check(), close: () => value.close() };
}
