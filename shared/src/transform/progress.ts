import type { StepResult, TransformOutcome, TransformResult } from "#shared/execution/transform-result.ts";
import type { Loss, SandboxLimits, SandboxStep, TransformJob } from "#shared/ports/sandbox.ts";
import { renderCondition } from "#shared/spec/template.ts";
import type {
  ChangedFiles,
  JsonValue,
  StepResult as StepOutput,
  TemplateContext,
} from "#shared/spec/template/context.ts";
import { renderOutputs, renderStep, stepLabel, type StepInputs } from "./step-inputs.ts";
import { TransformFailed } from "./transform-failed.ts";

/** What is known of a transform between two steps: plain data, so that another process can go on from it. */
export interface TransformProgress {
  /** Of the steps that were decided so far, in order. */
  readonly steps: readonly StepResult[];
  /** What the last step that ran printed and changed. */
  readonly previous?: StepOutput | undefined;
  /** Of all steps so far, by name. */
  readonly outputs: Readonly<Record<string, JsonValue>>;
}

export const noProgress: TransformProgress = { steps: [], outputs: {} };

/** How a step ended, as whoever ran it saw it. What it printed is redacted. */
export interface StepEnd {
  readonly end: "exited" | "timed-out";
  /** 128 and the signal's number when a signal ended it, as a shell says it. */
  readonly exitCode: number;
  readonly durationMs: number;
  /** The first MiB of it. */
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined when it printed nothing. */
  readonly logKey?: string | undefined;
  readonly logTruncated: boolean;
  /** The limit it ran into, where that can be known. */
  readonly exhausted?: "memory" | "disk" | undefined;
}

export type StepPlan = { readonly kind: "skip" } | { readonly kind: "run"; readonly inputs: StepInputs };

type JobTexts = Pick<TransformJob, "campaign" | "source" | "workspace">;

/**
 * What is to be done for a step: by its condition, and with its templates rendered.
 *
 * @param files What all steps so far have changed; needed where {@link readsChangedFiles} says so.
 * @throws TransformFailed when a template, a name or a path is wrong.
 */
export function planStep(options: {
  readonly job: JobTexts;
  readonly step: SandboxStep;
  readonly progress: TransformProgress;
  readonly files: ChangedFiles;
  readonly secrets: ReadonlyMap<string, string>;
}): StepPlan {
  const { job, step, progress, files, secrets } = options;
  const index = progress.steps.length;
  const context = contextOf(job, progress, files);
  return rendered(step, index, () => {
    if (step.if !== undefined && !renderCondition(step.if, context)) return { kind: "skip" };
    return { kind: "run", inputs: renderStep(step, context, secrets) };
  });
}

export function afterSkip(progress: TransformProgress, step: SandboxStep): TransformProgress {
  const result: StepResult = { ...unreached(step, progress.steps.length), status: "skipped" };
  return { ...progress, steps: [...progress.steps, result] };
}

/**
 * Takes in how a step ended, and what it put out for the steps after it.
 *
 * @param files What all steps have changed, this one included.
 * @throws TransformFailed when an output cannot be read.
 */
export function afterStep(options: {
  readonly job: JobTexts;
  readonly step: SandboxStep;
  readonly progress: TransformProgress;
  readonly end: StepEnd;
  readonly files: ChangedFiles;
}): TransformProgress {
  const { job, step, progress, end, files } = options;
  const index = progress.steps.length;
  const previous: StepOutput = { stdout: end.stdout, stderr: end.stderr, ...files };
  const context = { ...contextOf(job, progress, files), step: previous };
  const outputs = rendered(step, index, () => renderOutputs(step, context));
  const result: StepResult = { ...resultOf(step, index, end), outputs };
  return { steps: [...progress.steps, result], previous, outputs: { ...progress.outputs, ...outputs } };
}

/** Takes in a step that need not run again: what it printed and changed then. @throws TransformFailed as `afterStep` does. */
export function afterCached(options: Parameters<typeof afterStep>[0]): TransformProgress {
  const after = afterStep(options);
  return {
    ...after,
    steps: after.steps.map((step, index) => (index === after.steps.length - 1 ? { ...step, status: "cached" } : step)),
  };
}

/** What the step before changed is what all have changed, as long as none has run since. */
export function withChangedFiles(progress: TransformProgress, files: ChangedFiles): TransformProgress {
  return progress.previous === undefined ? progress : { ...progress, previous: { ...progress.previous, ...files } };
}

/** The results with that of a step which failed, or whose outputs cannot be read. */
export function afterFailure(progress: TransformProgress, step: SandboxStep, end: StepEnd): TransformProgress {
  return { ...progress, steps: [...progress.steps, resultOf(step, progress.steps.length, end)] };
}

/** The verdict on a step that did not end well, or undefined for one that did. */
export function failureOf(
  step: SandboxStep,
  index: number,
  end: StepEnd,
  limits: SandboxLimits,
): TransformFailed | undefined {
  const label = stepLabel(step, index);
  if (end.end === "timed-out") {
    const message = `${label} took longer than ${step.timeoutMs / 1000} s and was ended. Make it faster or raise its timeout.`;
    return new TransformFailed("step-timeout", message, { step: index });
  }
  if (end.exitCode === 0) return undefined;
  if (end.exhausted !== undefined) {
    const bytes = end.exhausted === "memory" ? limits.memoryBytes : limits.diskBytes;
    const message = `${label} ended with exit code ${end.exitCode} after it used up its ${end.exhausted} (${bytes} bytes). Use less, or raise the limit.`;
    return new TransformFailed("limit", message, { step: index });
  }
  const lastWords = end.stderr.trimEnd().split("\n").at(-1)?.slice(0, 300) ?? "";
  const said = lastWords === "" ? "It printed no error." : `Its last words: ${lastWords}`;
  return new TransformFailed("step-failed", `${label} ended with exit code ${end.exitCode}. ${said}`, { step: index });
}

/** What is left behind: every step has its line, those that were not reached as well. */
export function resultOfTransform(
  job: Pick<TransformJob, "executionId" | "steps">,
  progress: TransformProgress,
  outcome: TransformOutcome,
  timings: TransformResult["timings"],
): TransformResult {
  return {
    version: 1,
    executionId: job.executionId,
    outcome,
    steps: job.steps.map((step, index) => progress.steps[index] ?? unreached(step, index)),
    timings,
  };
}

/** The result of a transform that ended without leaving one. */
export function resultOfLoss(
  job: Pick<TransformJob, "executionId" | "steps">,
  { kind, step, because, retryable }: Loss,
): TransformResult {
  const failure = { kind, message: because, ...(step === undefined ? {} : { step }) };
  const timings = { fetchMs: 0, stepsMs: 0, diffMs: 0 };
  return resultOfTransform(job, noProgress, { status: "failed", failure, retryable }, timings);
}

/**
 * The steps that may run, as far as that can be told before anything is fetched: a step does not whose condition reads
 * nothing, or comes before all others that run, and does not hold. One with a wrong template counts as one that may.
 */
export function stepsThatMayRun(job: TransformJob): readonly number[] {
  const may: number[] = [];
  for (const [index, step] of job.steps.entries()) {
    const isKnown = may.length === 0 || step.if?.includes("${{") === false;
    if (!isKnown || !isSkippedAtFirst(job, step)) may.push(index);
  }
  return may;
}

function isSkippedAtFirst(job: TransformJob, step: SandboxStep): boolean {
  if (step.if === undefined) return false;
  try {
    return !renderCondition(step.if, contextOf(job, noProgress, noChangedFiles));
  } catch {
    // The verdict is for whoever runs the step.
    return false;
  }
}

/** The result of a transform of which no step may run. */
export function resultWithoutSteps(job: TransformJob): TransformResult {
  const progress = job.steps.reduce(afterSkip, noProgress);
  return resultOfTransform(job, progress, { status: "no-change" }, { fetchMs: 0, stepsMs: 0, diffMs: 0 });
}

/** Before the first step ran nothing has changed. */
export const noChangedFiles: ChangedFiles = {
  modified_files: [],
  added_files: [],
  deleted_files: [],
  renamed_files: [],
};

/** Listing the changed files costs time, so it is only done for a step whose templates may speak of them. */
export function readsChangedFiles(step: SandboxStep): boolean {
  const templates = [
    step.run,
    step.if ?? "",
    ...Object.values(step.env).filter((value) => typeof value === "string"),
    ...Object.values(step.files),
    ...Object.values(step.outputs).map(({ value }) => value),
  ];
  return templates.some((template) => template.includes("${{") && template.includes("_files"));
}

/**
 * Whether the changed files are listed after a step: for its own outputs, or since the next one is likely to read them. A
 * later one that does asks again.
 */
export function wantsChangedFiles(steps: readonly SandboxStep[], index: number): boolean {
  return steps.slice(index, index + 2).some(readsChangedFiles);
}

function contextOf(
  { campaign, source, workspace }: JobTexts,
  progress: TransformProgress,
  files: ChangedFiles,
): TemplateContext {
  return {
    campaign,
    repository: { owner: source.owner, name: source.name, branch: source.branch },
    workspace: { path: workspace.path },
    steps: files,
    previous_step: progress.previous,
    outputs: progress.outputs,
  };
}

function resultOf(step: SandboxStep, index: number, end: StepEnd): StepResult {
  const { exitCode, durationMs, logKey, logTruncated } = end;
  const status = end.end === "timed-out" ? "timed-out" : exitCode === 0 ? "ran" : "failed";
  const log = logKey === undefined ? {} : { logKey };
  return { ...unreached(step, index), status, exitCode, durationMs, ...log, logTruncated };
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

function rendered<T>(step: SandboxStep, index: number, render: () => T): T {
  try {
    return render();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TransformFailed("template", `${stepLabel(step, index)}: ${reason}`, { step: index, cause });
  }
}
