import { executionReported } from "#eventing/execution.ts";
import { createProcessSandbox } from "#shared/adapters/process/process-sandbox.ts";
import { createStores } from "#shared/adapters/postgres/stores.ts";
import type { Sandbox } from "#shared/ports/sandbox.ts";

import { taskFor } from "#shared/task/task.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Settings } from "./config.ts";
import type { Foundation } from "./foundation.ts";
import { alwaysReleased } from "./task-release.ts";

/** What git may need to know of the network, from our own environment. */
const gitVariables = ["http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "GIT_SSL_CAINFO"];

/** The process sandbox; what it reports becomes a task, so that no report is lost. */
export async function openProcessSandbox(
  context: Foundation & { readonly settings: Settings; readonly opened: Partial<Capabilities> },
): Promise<{ readonly value: Sandbox; readonly check: () => Promise<void>; readonly close: () => Promise<void> }> {
  const { settings, opened, clock, log, dispatcher, database, environment } = context;
  const { codeHost, blobs } = opened;
  if (codeHost === undefined || blobs === undefined)
    throw new TypeError("the sandbox is opened after codeHost and blobs");
  const { executions, tasks } = createStores(database.knex, alwaysReleased);

  async function reported(executionId: string): Promise<void> {
    const { campaign, attempt, repository } = await executions.get(executionId);
    const at = clock.now();
    const where = { campaign, organization: repository.owner, notBefore: at, dedupe: [attempt] };
    await tasks.addAll([taskFor(executionReported, { executionId, attempt }, where)], at);
    dispatcher.kick();
  }

  const value = createProcessSandbox({
    codeHost,
    blobs,
    secrets: (name) => settings.OCTOBATCH_SECRETS[name],
    reported,
    workDirectory: settings.OCTOBATCH_WORK_DIRECTORY,
    slots: settings.OCTOBATCH_EXECUTIONS_AT_ONCE,
    clock,
    toolDirectories: settings.OCTOBATCH_TOOL_DIRECTORIES,
    readOnlyDirectories: settings.OCTOBATCH_READ_ONLY_DIRECTORIES,
    gitEnvironment: Object.fromEntries(
      gitVariables.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
    ),
    logger: log,
    ...(settings.OCTOBATCH_ISOLATION === "none" ? { isolation: "none" as const } : {}),
  });
  return { value, check: () => value.check(), close: () => value.close() };
}
