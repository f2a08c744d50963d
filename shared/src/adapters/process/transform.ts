import type { BlobStore } from "#shared/ports/blob-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { CodeHost } from "#shared/ports/code-host.ts";
import type { SandboxStep, TransformJob } from "#shared/ports/sandbox.ts";
import { encodeChanges } from "#shared/execution/changes.ts";
import type { StepResult, TransformOutcome, TransformResult } from "#shared/execution/transform-result.ts";
import { renderCondition } from "#shared/spec/template.ts";
import type {
  ChangedFiles,
  JsonValue,
  StepResult as StepOutput,
  TemplateContext,
} from "#shared/spec/template/context.ts";
import type { CollectedChanges } from "../git/collect-changes.ts";
import { noChangedFiles, readsChangedFiles } from "./changed-files.ts";
import { stepDirectory, type StepPlace } from "./launch-step.ts";
import { createRedactor, type Redactor } from "./redactor.ts";
import { runCommand } from "./run-command.ts";
import { runStep, type StepEnd } from "./run-step.ts";
import { renderOutputs, renderStep, resolveSecrets, stepLabel } from "./step-inputs.ts";
import { outcomeOfFailure, TransformFailed } from "./transform-failed.ts";
import { nestedRepository, openWorkspace, type Workspace } from "./workspace.ts";

export interface TransformParts {
  readonly codeHost: Pick<CodeHost, "gitAccess">;
  readonly blobs: BlobStore;
  readonly secrets: (name: string) => string | undefined;
  readonly clock: Clock;
  /** Opens the enclosure, when the first step needs it. */
  readonly openPlace: () => Promise<StepPlace>;
  readonly gitDirectory: string;
  readonly gitEnvironment: Readonly<Record<string, string>> | undefined;
  /** Where the artifacts of this attempt go: its own, so that two attempts never mix. */
  readonly artifactPrefix: string;
}

/** Runs the steps, and says how it went: it does not throw, whatever goes wrong. */
export async function runTransform(job: TransformJob, parts: TransformParts): Promise<TransformResult> {
  const transform = new Transform(job, parts);
  return transform.run();
}

class Transform {
  readonly #job: TransformJob;
  readonly #parts: TransformParts;
  readonly #steps: StepResult[] = [];
  readonly #timings = { fetchMs: 0, stepsMs: 0, diffMs: 0 };
  #redactor: Redactor = createRedactor(new Map());
  #secrets: ReadonlyMap<string, string> = new Map();
  #open: { readonly place: StepPlace; readonly workspace: Workspace } | undefined;
  #previous: StepOutput | undefined;
  #outputs: Record<string, JsonValue> = {};

  constructor(job: TransformJob, parts: TransformParts) {
    this.#job = job;
    this.#parts = parts;
  }

  async run(): Promise<TransformResult> {
    let outcome: TransformOutcome;
    try {
      this.#secrets = resolveSecrets(this.#job, this.#parts.secrets);
      this.#redactor = createRedactor(this.#secrets);
      for (const [index, step] of this.#job.steps.entries()) await this.#step(step, index);
      outcome = await this.#collect();
    } catch (error) {
      outcome = outcomeOfFailure(error, this.#redactor);
    }
    return {
      version: 1,
      executionId: this.#job.executionId,
      outcome,
      steps: this.#job.steps.map((step, index) => this.#steps[index] ?? unreached(step, index)),
      timings: this.#timings,
    };
  }

  async #step(step: SandboxStep, index: number): Promise<void> {
    const context = await this.#context(step);
    const condition = step.if;
    if (condition !== undefined) {
      const runs = this.#rendered(step, index, () => renderCondition(condition, context));
      if (!runs) {
        this.#steps[index] = { ...unreached(step, index), status: "skipped" };
        return;
      }
    }
    const inputs = this.#rendered(step, index, () => renderStep(step, context, this.#secrets));
    const { place, workspace } = (this.#open ??= await this.#fetch());
    if (place.isolation === "none" && inputs.files.length > 0) {
      const message = `${stepLabel(step, index)} places files, which needs an isolated sandbox. Install bubblewrap, or drop \`files\`.`;
      throw new TransformFailed("template", message, { step: index });
    }
    const { limits } = this.#job;
    const before = this.#now();
    const end = await runStep(
      { ...place, objectsDirectory: workspace.objectsDirectory },
      { ...inputs, index, limits, timeoutMs: step.timeoutMs, logBytes: limits.logBytes },
      this.#redactor,
    );
    const durationMs = this.#now() - before;
    this.#timings.stepsMs += durationMs;
    const logKey = `${this.#parts.artifactPrefix}/steps/${index}.log`;
    await this.#parts.blobs.put(logKey, end.log);
    const status = end.end === "timed-out" ? "timed-out" : end.exitCode === 0 ? "ran" : "failed";
    const result: StepResult = {
      ...unreached(step, index),
      status,
      exitCode: end.exitCode,
      durationMs,
      logKey,
      logTruncated: end.logTruncated,
    };
    this.#steps[index] = result;
    if (status !== "ran") throw stepFailed(step, index, end, limits);
    await this.#read(step, index, result, end);
    await this.#forget(place, index);
  }

  /** Takes in what the step put out, for the steps after it. */
  async #read(step: SandboxStep, index: number, result: StepResult, end: StepEnd): Promise<void> {
    const next = this.#job.steps[index + 1];
    const wantsFiles = readsChangedFiles(step) || (next !== undefined && readsChangedFiles(next));
    const files = wantsFiles ? await this.#changedFiles() : noChangedFiles;
    const printed: StepOutput = { stdout: end.stdout, stderr: end.stderr, ...files };
    const context: TemplateContext = { ...this.#contextWith(files), step: printed };
    const outputs = this.#rendered(step, index, () => renderOutputs(step, context));
    this.#previous = printed;
    this.#outputs = { ...this.#outputs, ...outputs };
    this.#steps[index] = { ...result, outputs };
  }

  /** A step's /tmp ends with it: it counts against the disk limit, and a Job's step would have its own. */
  async #forget(place: StepPlace, index: number): Promise<void> {
    if (index === this.#job.steps.length - 1) return;
    await runCommand(
      {
        argv: ["rm", "-rf", "--", stepDirectory(place.enclosure.volume, index)],
        environment: { PATH: "/usr/bin:/bin" },
        timeoutMs: 60_000,
        maxOutputBytes: 1 << 16,
      },
      place.enclosure.enter,
    );
  }

  async #fetch(): Promise<{ place: StepPlace; workspace: Workspace }> {
    const before = this.#now();
    const { source } = this.#job;
    const ref = { id: source.repositoryId, nodeId: source.repositoryNodeId, owner: source.owner, name: source.name };
    const [place, access] = await Promise.all([this.#parts.openPlace(), this.#parts.codeHost.gitAccess(ref)]);
    const workspace = await openWorkspace({
      source,
      access,
      enclosure: place.enclosure,
      isolated: place.isolation !== "none",
      gitDirectory: this.#parts.gitDirectory,
      user: place.user,
      gitEnvironment: this.#parts.gitEnvironment,
    });
    this.#timings.fetchMs = this.#now() - before;
    return { place, workspace };
  }

  async #collect(): Promise<TransformOutcome> {
    if (this.#open === undefined) return { status: "no-change" };
    const before = this.#now();
    const { patchBytes } = this.#job.limits;
    const collected = await this.#open.workspace.collect(patchBytes);
    this.#timings.diffMs = this.#now() - before;
    if (collected.kind === "no-change") return { status: "no-change" };
    if (collected.kind === "nested-repository") throw nestedRepository(collected.paths);
    if (collected.kind === "patch-too-large") {
      const message = `The patch is larger than ${patchBytes} bytes. Change less at once, add generated files to .gitignore, or raise the limit.`;
      throw new TransformFailed("patch-too-large", message);
    }
    return this.#keep(collected, this.#open.workspace.baseTree);
  }

  async #keep(collected: CollectedChanges & { kind: "patch" }, baseTree: string): Promise<TransformOutcome> {
    const { patch, tree, statistics, changes } = collected;
    const encoded = encodeChanges(changes);
    const contents = changes.flatMap((change) => (change.kind === "write" ? [change.content] : []));
    const secret = [patch, encoded, ...contents].map((bytes) => this.#redactor.find(bytes)).find(Boolean);
    if (secret !== undefined) {
      const message = `The patch contains the secret ${secret}; it was thrown away. Change the steps so that they write no secret into the repository.`;
      throw new TransformFailed("secret-in-patch", message);
    }
    const { artifactPrefix, blobs } = this.#parts;
    const keys = { patch: `${artifactPrefix}/patch.diff`, changes: `${artifactPrefix}/changes.json` };
    await Promise.all([blobs.put(keys.patch, patch), blobs.put(keys.changes, encoded)]);
    return {
      status: "patch",
      patch: { key: keys.patch, sizeBytes: patch.length },
      changes: { key: keys.changes },
      tree,
      baseTree,
      statistics,
    };
  }

  async #context(step: SandboxStep): Promise<TemplateContext> {
    return this.#contextWith(readsChangedFiles(step) ? await this.#changedFiles() : noChangedFiles);
  }

  #contextWith(steps: ChangedFiles): TemplateContext {
    const { campaign, source } = this.#job;
    return {
      campaign,
      repository: { owner: source.owner, name: source.name, branch: source.branch },
      steps,
      previous_step: this.#previous,
      outputs: this.#outputs,
    };
  }

  /** Before the first step ran nothing has changed, and nothing needs to be fetched to know it. */
  async #changedFiles(): Promise<ChangedFiles> {
    return this.#open === undefined ? noChangedFiles : this.#open.workspace.changedFiles();
  }

  #rendered<T>(step: SandboxStep, index: number, render: () => T): T {
    try {
      return render();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TransformFailed("template", `${stepLabel(step, index)}: ${reason}`, { step: index, cause });
    }
  }

  #now(): number {
    return this.#parts.clock.now().getTime();
  }
}

function unreached(step: SandboxStep, index: number): StepResult {
  return {
    index,
    ...(step.name === undefined ? {} : { name: step.name }),
    status: "not-reached",
    durationMs: 0,
    logTruncated: false,
    outputs: {},
  };
}

function stepFailed(step: SandboxStep, index: number, end: StepEnd, limits: TransformJob["limits"]): TransformFailed {
  const label = stepLabel(step, index);
  if (end.end === "timed-out") {
    const message = `${label} took longer than ${step.timeoutMs / 1000} s and was ended. Make it faster or raise its timeout.`;
    return new TransformFailed("step-timeout", message, { step: index });
  }
  if (end.exhausted !== undefined) {
    const bytes = end.exhausted === "memory" ? limits.memoryBytes : limits.diskBytes;
    const message = `${label} ended with exit code ${end.exitCode} after it used up its ${end.exhausted} (${bytes} bytes). Use less, or raise the limit.`;
    return new TransformFailed("limit", message, { step: index });
  }
  const lastWords = end.stderr.trimEnd().split("\n").at(-1)?.slice(0, 300) ?? "";
  const said = lastWords === "" ? "It printed no error." : `Its last words: ${lastWords}`;
  return new TransformFailed("step-failed", `${label} ended with exit code ${end.exitCode}. ${said}`, { step: index });
}
