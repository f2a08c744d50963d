import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { createProcessSandbox } from "#shared/adapters/process/process-sandbox.ts";
import { systemClock } from "#shared/adapters/system/system-clock.ts";
import { parseTransformResult, type TransformResult } from "#shared/execution/transform-result.ts";
import type { Workspace } from "#shared/execution/workspace.ts";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import type { SandboxLimits, TransformJob } from "#shared/ports/sandbox.ts";
import type { Spec } from "#shared/spec/spec.ts";
import { unlessAborted } from "#shared/unless-aborted.ts";
import type { Printed } from "./step-printer.ts";
import type { TriedRepository } from "./tried-repository.ts";

/** What became of one workspace. */
export interface TriedWorkspace {
  /** Its path; empty for the root. */
  readonly workspace: string;
  readonly result: TransformResult;
  /** What each step printed, by its index; empty for one that did not run. */
  readonly logs: readonly Uint8Array[];
  /** As git wrote it; empty when nothing changes. */
  readonly patch: Uint8Array;
}

/** Hears what the steps print. */
export interface StepsWatcher {
  beganWorkspace(workspace: Workspace): void;
  printed(piece: Printed): void;
}

/** How this machine runs steps. */
export interface StepRunning {
  readonly limits: SandboxLimits;
  readonly secrets: (name: string) => string | undefined;
  readonly isolation: "auto" | "none";
  readonly toolDirectories: readonly string[];
  readonly readOnlyDirectories: readonly string[];
}

/**
 * Runs the steps in one workspace after the other, in the sandbox that previews use. Everything they leave is in memory.
 *
 * @param options.gitDirectory Has the repository's commit.
 * @param options.workDirectory For work in progress.
 * @throws SandboxUnavailable. @throws the reason of `interrupted`, when all that was started has ended.
 */
export async function* runSteps(options: {
  readonly spec: Spec;
  readonly repository: TriedRepository;
  readonly gitDirectory: string;
  readonly workspaces: readonly Workspace[];
  readonly workDirectory: string;
  readonly running: StepRunning;
  readonly watcher: StepsWatcher;
  readonly interrupted: AbortSignal;
}): AsyncGenerator<TriedWorkspace> {
  const { running, interrupted } = options;
  const kept = createMemoryBlobStore();
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const blobs: BlobStore = {
    ...kept,
    put(key, bytes) {
      const [, step] = /\/steps\/(\d+)\.log$/u.exec(key) ?? [];
      if (step !== undefined) options.watcher.printed({ step: Number(step), offset: 0, bytes });
      return kept.put(key, bytes);
    },
  };
  const sandbox = createProcessSandbox({
    codeHost: { gitAccess: async () => ({ url: pathToFileURL(options.gitDirectory).href }) },
    blobs,
    secrets: running.secrets,
    // A batch a second while a step prints; what a step printed since comes with its log, when it ends.
    liveLogs: {
      async append(_, chunks) {
        for (const chunk of chunks) if (chunk.end?.status !== "skipped") options.watcher.printed(chunk);
      },
    },
    reported: async ({ executionId }) => ends.get(executionId)?.resolve(),
    workDirectory: options.workDirectory,
    slots: 1,
    clock: systemClock,
    toolDirectories: running.toolDirectories,
    readOnlyDirectories: running.readOnlyDirectories,
    // It tells so when a transform ends without a result, which nobody reports then.
    logger: { error: ({ executionId, err }) => ends.get(String(executionId))?.reject(err) },
    ...(running.isolation === "none" && { isolation: "none" }),
  });
  try {
    for (const [index, workspace] of options.workspaces.entries()) {
      options.watcher.beganWorkspace(workspace);
      const job = jobOf(options, workspace, index);
      const end = Promise.withResolvers<void>();
      ends.set(job.executionId, end);
      await sandbox.start(job);
      await unlessAborted(interrupted, end.promise);
      yield await readWorkspace(kept, job);
    }
  } finally {
    await sandbox.close();
  }
}

function jobOf(
  { spec, repository, running }: Pick<Parameters<typeof runSteps>[0], "spec" | "repository" | "running">,
  workspace: Workspace,
  index: number,
): TransformJob {
  const { owner, name, branch, commit } = repository;
  const executionId = `try-${index}`;
  return {
    executionId,
    attempt: 1,
    artifactPrefix: executionId,
    source: { repositoryId: 0, repositoryNodeId: "", owner, name, branch, commit },
    workspace,
    campaign: { name: spec.name, description: spec.description },
    steps: spec.steps,
    networks: spec.network?.allow ?? [],
    limits: running.limits,
  };
}

async function readWorkspace(
  blobs: Pick<BlobStore, "get">,
  { artifactPrefix, workspace }: TransformJob,
): Promise<TriedWorkspace> {
  const result = parseTransformResult(await blobs.get(join(artifactPrefix, "result.json")));
  const { outcome } = result;
  return {
    workspace: workspace.path,
    result,
    logs: await Promise.all(
      result.steps.map(async ({ logKey }) => (logKey === undefined ? new Uint8Array() : blobs.get(logKey))),
    ),
    patch: outcome.status === "patch" ? await blobs.get(outcome.patch.key) : new Uint8Array(),
  };
}
