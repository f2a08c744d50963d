import type { BlobStore } from "#shared/ports/blob-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { SandboxStep, TransformJob } from "#shared/ports/sandbox.ts";
import type { TransformOutcome, TransformResult } from "#shared/execution/transform-result.ts";
import type { ChangedFiles } from "#shared/spec/template/context.ts";
import { createCachedSteps, noCachedSteps, type CachedSteps } from "./cached-steps.ts";
import type { StepWatch } from "./live-log-writer.ts";
import { keepPatch, patchTooLarge } from "./patch.ts";
import {
  afterCached,
  afterFailure,
  afterSkip,
  afterStep,
  failureOf,
  noChangedFiles,
  noProgress,
  planStep,
  readsChangedFiles,
  resultOfTransform,
  wantsChangedFiles,
  withChangedFiles,
  type StepEnd,
  type TransformProgress,
} from "./progress.ts";
import { createRedactor, type Redactor } from "./redactor.ts";
import { emptySnapshot, isEmptySnapshot, type Snapshot } from "./snapshot.ts";
import { firstCacheKey, type StepCache } from "./step-cache.ts";
import { resolveSecrets, type StepInputs } from "./step-inputs.ts";
import type { StepRoom } from "./step-room.ts";
import { outcomeOfFailure } from "./transform-failed.ts";

export interface TransformParts {
  readonly blobs: Pick<BlobStore, "put">;
  readonly secrets: (name: string) => string | undefined;
  readonly clock: Clock;
  /** Brings the base commit to where it is worked on, when the first step needs it. */
  readonly bring: () => Promise<BaseTrees>;
  /** Resolves when there is room to run steps: what that takes is nobody's work, and no part of the timings. */
  readonly turn?: (() => Promise<void>) | undefined;
  /** Lays it out, when the first step has to run; `after` is what earlier steps changed, in place of running them. */
  readonly open: (trees: BaseTrees, after: Snapshot) => Promise<StepRoom>;
  /** Where the artifacts of this attempt go: its own, so that two attempts never mix. */
  readonly artifactPrefix: string;
  /** Undefined: every step runs. */
  readonly cache: StepCacheInUse | undefined;
  /** Hears how the steps go, while they do. */
  readonly watch?: StepWatch | undefined;
}

export interface StepCacheInUse {
  readonly steps: StepCache;
  /** Names what steps are given besides their images. */
  readonly programs: string;
  /** Whether a step, with that, says all that it runs with: the steps from the first on that does not, always run. */
  readonly isNamed: (step: SandboxStep) => boolean;
}

/** Git trees. */
export interface BaseTrees {
  /** Of the base commit. */
  readonly baseTree: string;
  /** What steps see of it. */
  readonly shownTree: string;
}

/** Runs the steps, and says how it went: it does not throw, whatever goes wrong. */
export async function runTransform(job: TransformJob, parts: TransformParts): Promise<TransformResult> {
  return new Transform(job, parts).run();
}

interface Base extends BaseTrees {
  readonly cached: CachedSteps;
}

class Transform {
  readonly #job: TransformJob;
  readonly #parts: TransformParts;
  readonly #timings = { fetchMs: 0, stepsMs: 0, diffMs: 0 };
  #progress: TransformProgress = noProgress;
  #redactor: Redactor = createRedactor(new Map());
  #secrets: ReadonlyMap<string, string> = new Map();
  #base: Base | undefined;
  #open: StepRoom | undefined;
  /** What is on its way into the cache; that never fails. */
  readonly #kept: Promise<void>[] = [];
  /** What the steps so far changed, as long as none had to run. */
  #replayed: { readonly snapshot: Snapshot; readonly files: ChangedFiles | undefined } = {
    snapshot: emptySnapshot,
    files: noChangedFiles,
  };

  constructor(job: TransformJob, parts: TransformParts) {
    this.#job = job;
    this.#parts = parts;
  }

  async run(): Promise<TransformResult> {
    let outcome: TransformOutcome;
    try {
      this.#secrets = resolveSecrets(this.#job, this.#parts.secrets);
      this.#redactor = createRedactor(this.#secrets);
      for (const step of this.#job.steps) await this.#step(step);
      outcome = await this.#collect();
    } catch (error) {
      outcome = outcomeOfFailure(error, this.#redactor);
    }
    await Promise.all(this.#kept);
    return resultOfTransform(this.#job, this.#progress, outcome, this.#timings);
  }

  async #step(step: SandboxStep): Promise<void> {
    const readsFiles = readsChangedFiles(step);
    const files = readsFiles ? await this.#changedFiles() : noChangedFiles;
    if (readsFiles) this.#progress = withChangedFiles(this.#progress, files);
    const plan = planStep({ job: this.#job, step, progress: this.#progress, files, secrets: this.#secrets });
    if (plan.kind === "skip") {
      this.#progress = afterSkip(this.#progress, step);
      this.#tellEnd();
      return;
    }
    const { cached } = (this.#base ??= await this.#bring());
    cached.enter(step, plan.inputs);
    // Once a step has run, what it came to may differ from what the later ones knew.
    if (this.#open === undefined && (await this.#replay(step, cached))) return;
    await this.#run(step, plan.inputs, cached);
  }

  /** Takes a step's result from the cache, if it is there. */
  async #replay(step: SandboxStep, cached: CachedSteps): Promise<boolean> {
    const index = this.#progress.steps.length;
    const wantsFiles = wantsChangedFiles(this.#job.steps, index);
    let found = await cached.find(wantsFiles);
    if (found === undefined) return false;
    this.#replayed = { snapshot: found.snapshot, files: found.files };
    if (wantsFiles && found.files === undefined) {
      const room = await this.#opened();
      found = { ...found, files: await room.changedFiles() };
      await cached.keep(found);
    }
    const { stdout, stderr, logTruncated, files = noChangedFiles } = found;
    const logKey = await this.#keepLog(index, found.log);
    const end: StepEnd = { end: "exited", exitCode: 0, durationMs: 0, stdout, stderr, logKey, logTruncated };
    this.#progress = afterCached({ job: this.#job, step, progress: this.#progress, end, files });
    this.#tellEnd(found.log);
    return true;
  }

  async #run(step: SandboxStep, inputs: StepInputs, cached: CachedSteps): Promise<void> {
    const room = await this.#opened();
    const { limits, steps } = this.#job;
    const index = this.#progress.steps.length;
    const { watch } = this.#parts;
    watch?.began(index);
    const show = watch && ((bytes: Uint8Array) => watch.printed(index, bytes));
    const { log, ...ended } = await room.run({ step, index, inputs, redactor: this.#redactor, show });
    const end: StepEnd = { ...ended, logKey: await this.#keepLog(index, log) };
    this.#timings.stepsMs += end.durationMs;
    const failure = failureOf(step, index, end, limits);
    if (failure !== undefined) {
      this.#progress = afterFailure(this.#progress, step, end);
      this.#tellEnd(log);
      throw failure;
    }
    const wantsFiles = wantsChangedFiles(steps, index);
    const files = wantsFiles ? await room.changedFiles() : noChangedFiles;
    try {
      this.#progress = afterStep({ job: this.#job, step, progress: this.#progress, end, files });
    } catch (error) {
      this.#progress = afterFailure(this.#progress, step, end);
      throw error;
    } finally {
      this.#tellEnd(log);
    }
    if (cached.isKept()) {
      const { stdout, stderr, logTruncated } = end;
      const taken = await room.snapshot();
      const about = { stdout, stderr, log, logTruncated, ...(wantsFiles && { files }) };
      // While it is written the next step can run: its own key is taken before.
      if (taken !== undefined) this.#kept.push(cached.keep({ ...about, snapshot: taken }));
    }
    if (index < steps.length - 1) await room.forget(index);
  }

  async #bring(): Promise<Base> {
    const before = this.#now();
    const { bring, cache } = this.#parts;
    const trees = await bring();
    this.#timings.fetchMs += this.#now() - before;
    // What a step prints is redacted by all secrets of its transform, so what is known of it without them, or with others,
    // is something else; and a secret's value may change without its name, as what steps find in a network does.
    if (cache === undefined || this.#secrets.size > 0 || this.#job.networks.length > 0)
      return { ...trees, cached: noCachedSteps };
    const firstKey = firstCacheKey({ job: this.#job, tree: trees.shownTree, programs: cache.programs });
    return { ...trees, cached: createCachedSteps(cache.steps, firstKey, cache.isNamed) };
  }

  async #opened(): Promise<StepRoom> {
    if (this.#open !== undefined) return this.#open;
    const base = (this.#base ??= await this.#bring());
    await this.#parts.turn?.();
    const before = this.#now();
    this.#open = await this.#parts.open(base, this.#replayed.snapshot);
    this.#timings.fetchMs += this.#now() - before;
    return this.#open;
  }

  async #collect(): Promise<TransformOutcome> {
    if (this.#open === undefined && isEmptySnapshot(this.#replayed.snapshot)) return { status: "no-change" };
    const room = await this.#opened();
    const before = this.#now();
    const { patchBytes } = this.#job.limits;
    const collected = await room.collect(patchBytes);
    this.#timings.diffMs = this.#now() - before;
    if (collected.kind === "no-change") return { status: "no-change" };
    if (collected.kind === "patch-too-large") throw patchTooLarge(patchBytes);
    const { artifactPrefix, blobs } = this.#parts;
    const baseTree = this.#base?.baseTree ?? "";
    return keepPatch({ ...collected, baseTree }, { redactor: this.#redactor, prefix: artifactPrefix, blobs });
  }

  async #changedFiles(): Promise<ChangedFiles> {
    if (this.#open === undefined && this.#replayed.files !== undefined) return this.#replayed.files;
    const room = await this.#opened();
    return room.changedFiles();
  }

  /** Tells that the newest step in the progress has ended. */
  #tellEnd(log: Uint8Array = new Uint8Array()): void {
    const { index, status, exitCode, durationMs, logKey } = this.#progress.steps.at(-1) ?? {};
    if (index === undefined || status === undefined || status === "not-reached") return;
    const code = exitCode === undefined ? {} : { exitCode };
    const kept = logKey === undefined ? {} : { logKey };
    this.#parts.watch?.ended(index, { status, durationMs: durationMs ?? 0, ...code, ...kept }, log);
  }

  /** @returns where it is; undefined for a step that printed nothing. */
  async #keepLog(index: number, log: Uint8Array): Promise<string | undefined> {
    if (log.length === 0) return undefined;
    const key = `${this.#parts.artifactPrefix}/steps/${index}.log`;
    await this.#parts.blobs.put(key, log);
    return key;
  }

  #now(): number {
    return this.#parts.clock.now().getTime();
  }
}
