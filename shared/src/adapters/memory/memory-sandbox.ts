import { createHash } from "node:crypto";
import { encodeChanges } from "#shared/execution/changes.ts";
import {
  serializeTransformResult,
  type FileStatistics,
  type TransformOutcome,
} from "#shared/execution/transform-result.ts";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import type { FileChange } from "#shared/ports/code-host.ts";
import {
  SandboxUnavailable,
  type Inspection,
  type Loss,
  type Sandbox,
  type TransformJob,
} from "#shared/ports/sandbox.ts";

/** What the steps of a job come to: the files they change (none: no change), or why they fail. */
export type ScriptedOutcome = readonly FileChange[] | { readonly fails: string; readonly retryable?: boolean };

/** A sandbox for tests: it keeps what was started, and ends it when it is told to. */
export interface MemorySandbox extends Sandbox {
  /** Every job that was started and not found running or finished, in order. */
  readonly started: readonly TransformJob[];
  /** Ends every running transform: its artifacts are written, then it is reported. Answers how many there were. */
  finishAll(): Promise<number>;
  /** Ends every running transform without a result or a report, as when the machine dies. */
  crash(): void;
  /** Ends every running transform without a result, for a reason that the sandbox can tell. */
  lose(loss: Loss): void;
  /** What every running transform waits for, from now on. */
  holdUp(waitingFor: string | undefined): void;
  /** From now on nothing can be started, inspected or cancelled, until `comeBack`. */
  goDown(): void;
  comeBack(): void;
}

/**
 * @param options.transform Says what a job's steps come to, instead of running them.
 * @param options.treeOf The git tree of the job's repository with the changes: what a commit of them will have.
 * @param options.reported Hears of each execution that has ended.
 */
export function createMemorySandbox(options: {
  readonly blobs: BlobStore;
  readonly transform: (job: TransformJob) => ScriptedOutcome;
  readonly treeOf: (job: TransformJob, changes: readonly FileChange[]) => string;
  readonly reported: (executionId: string) => Promise<void>;
}): MemorySandbox {
  const { blobs, transform, treeOf, reported } = options;
  const started: TransformJob[] = [];
  const running = new Map<string, TransformJob>();
  const lost = new Map<string, Loss>();
  let waitingFor: string | undefined;
  let down = false;

  const assertUp = (): void => {
    if (down) throw new SandboxUnavailable("The sandbox is down.");
  };

  async function inspect(job: Pick<TransformJob, "executionId" | "artifactPrefix">): Promise<Inspection> {
    if (running.has(job.executionId)) return { status: "running", waitingFor };
    const isThere = (await blobs.list(`${job.artifactPrefix}/`)).includes(`${job.artifactPrefix}/result.json`);
    if (isThere) return { status: "finished" };
    const loss = lost.get(job.artifactPrefix);
    return loss === undefined ? { status: "unknown" } : { status: "lost", ...loss };
  }

  async function finish(job: TransformJob): Promise<void> {
    const { executionId, artifactPrefix } = job;
    const outcome = await writeArtifacts(blobs, job, transform(job), (changes) => treeOf(job, changes));
    const logKey = `${artifactPrefix}/step-0.log`;
    await blobs.put(logKey, Buffer.from(`ran ${job.steps.length} steps\n`));
    const status = outcome.status === "failed" ? ("failed" as const) : ("ran" as const);
    const result = serializeTransformResult({
      version: 1,
      executionId,
      outcome,
      steps: [{ index: 0, status, exitCode: 0, durationMs: 1, logKey, logTruncated: false, outputs: {} }],
      timings: { fetchMs: 0, stepsMs: 1, diffMs: 0 },
    });
    await blobs.put(`${artifactPrefix}/result.json`, result);
    running.delete(executionId);
    await reported(executionId);
  }

  return {
    started,
    async start(job) {
      assertUp();
      // Asked again after the wait: two may start it at once.
      if ((await inspect(job)).status !== "unknown" || running.has(job.executionId)) return undefined;
      running.set(job.executionId, job);
      started.push(job);
      return waitingFor === undefined ? undefined : { waitingFor };
    },
    async inspect(job) {
      assertUp();
      return inspect(job);
    },
    async cancel(executionId) {
      assertUp();
      running.delete(executionId);
    },
    async check() {
      assertUp();
    },
    async finishAll() {
      const jobs = [...running.values()];
      for (const job of jobs) await finish(job);
      return jobs.length;
    },
    crash: () => running.clear(),
    lose(loss) {
      for (const { artifactPrefix } of running.values()) lost.set(artifactPrefix, loss);
      running.clear();
    },
    holdUp(what) {
      waitingFor = what;
    },
    goDown() {
      down = true;
    },
    comeBack() {
      down = false;
    },
  };
}

async function writeArtifacts(
  blobs: BlobStore,
  { artifactPrefix, source }: TransformJob,
  scripted: ScriptedOutcome,
  treeOf: (changes: readonly FileChange[]) => string,
): Promise<TransformOutcome> {
  if ("fails" in scripted) {
    const failure = { kind: "step-failed", step: 0, message: scripted.fails } as const;
    return { status: "failed", failure, retryable: scripted.retryable ?? false };
  }
  if (scripted.length === 0) return { status: "no-change" };
  const patch = { key: `${artifactPrefix}/patch.diff`, bytes: Buffer.from(scripted.map(describe).join("")) };
  const changes = { key: `${artifactPrefix}/changes.json` };
  await blobs.put(patch.key, patch.bytes);
  await blobs.put(changes.key, encodeChanges(scripted));
  const files = scripted.map(statisticsOf);
  return {
    status: "patch",
    patch: { key: patch.key, sizeBytes: patch.bytes.byteLength },
    changes,
    tree: treeOf(scripted),
    baseTree: createHash("sha1").update(source.commit).digest("hex"),
    statistics: {
      files,
      filesChanged: files.length,
      additions: files.reduce((sum, { additions }) => sum + additions, 0),
      deletions: 0,
    },
  };
}

/** Enough of a patch for people to tell what it is about; nothing applies it. */
function describe(change: FileChange): string {
  const to = change.kind === "delete" ? "/dev/null" : `b/${change.path}`;
  const lines = linesOf(change);
  const hunk = lines.length === 0 ? "" : `@@ -0,0 +1,${lines.length} @@\n${lines.map((line) => `+${line}\n`).join("")}`;
  return `diff --git a/${change.path} b/${change.path}\n--- a/${change.path}\n+++ ${to}\n${hunk}`;
}

/** All of a file that is written, up to its last line feed. */
function linesOf(change: FileChange): readonly string[] {
  return change.kind === "delete" ? [] : Buffer.from(change.content).toString("utf8").split("\n").slice(0, -1);
}

/** As if a file that is written had been there before: the script does not say. */
function statisticsOf(change: FileChange): FileStatistics {
  const { path } = change;
  const before = { path, oldMode: "100644", deletions: 0, binary: false } as const;
  if (change.kind === "delete") return { ...before, change: "deleted", mode: "000000", additions: 0 };
  const additions = linesOf(change).length;
  return { ...before, change: "modified", mode: change.mode, additions };
}
