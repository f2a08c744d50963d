import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import { executionReported } from "#eventing/execution.ts";
import { createProcessSandbox } from "#shared/adapters/process/process-sandbox.ts";
import { createStores } from "#shared/adapters/postgres/stores.ts";
import type { Sandbox } from "#shared/ports/sandbox.ts";

import { taskFor } from "#shared/task/task.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Settings } from "./config.ts";
import type { Foundation } from "./foundation.ts";
import { alwaysReleased } from "./task-release.ts";

/** The process sandbox; what it reports becomes a task, so that no report is lost. */
export async function openProcessSandbox(
  context: Foundation & { readonly settings: Settings; readonly opened: Partial<Capabilities> },
): Promise<{ readonly value: Sandbox; readonly check: () => Promise<void>; readonly close: () => Promise<void> }> {
  const { settings, opened, clock, log, dispatcher, database } = context;
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
    gitEnvironment: await gitsWayOut(settings),
    logger: log,
    ...(settings.OCTOBATCH_ISOLATION === "none" ? { isolation: "none" as const } : {}),
  });
  return { value, check: () => value.check(), close: () => value.close() };
}

/** Git reaches GitHub as our own requests do. It takes certificates as a file, and then no others. */
async function gitsWayOut(settings: Settings): Promise<Readonly<Record<string, string>>> {
  const { HTTPS_PROXY, NO_PROXY, OCTOBATCH_GITHUB_CERTIFICATES, OCTOBATCH_WORK_DIRECTORY } = settings;
  const certificates: Record<string, string> = {};
  if (OCTOBATCH_GITHUB_CERTIFICATES !== undefined) {
    const path = join(OCTOBATCH_WORK_DIRECTORY, "certificates.pem");
    await mkdir(OCTOBATCH_WORK_DIRECTORY, { recursive: true, mode: 0o700 });
    await writeFile(path, [...getCACertificates("default"), OCTOBATCH_GITHUB_CERTIFICATES].join("\n"));
    certificates["GIT_SSL_CAINFO"] = path;
  }
  return {
    ...(HTTPS_PROXY !== undefined && { https_proxy: HTTPS_PROXY }),
    ...(NO_PROXY !== undefined && { no_proxy: NO_PROXY }),
    ...certificates,
  };
}
