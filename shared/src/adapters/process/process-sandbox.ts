import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { BlobNotFound, type BlobStore } from "#shared/ports/blob-store.ts";
import type { LiveLogs } from "#shared/ports/live-logs.ts";
import { SandboxUnavailable, type Sandbox, type TransformJob } from "#shared/ports/sandbox.ts";
import { serializeTransformResult } from "#shared/execution/transform-result.ts";
import { createLiveLogWriter } from "#shared/transform/live-log-writer.ts";
import type { StepCacheInUse } from "#shared/transform/run-transform.ts";
import type { StepCache } from "#shared/transform/step-cache.ts";
import { createControlGroup, type ControlGroup } from "./control-groups.ts";
import type { Given } from "./given.ts";
import { removeAll } from "./remove-all.ts";
import { runCommand } from "./run-command.ts";
import { createSeat, type Seat } from "./seat.ts";
import { createSlots } from "./slots.ts";
import { surveyMachine, type Machine, type MachineOptions } from "./survey-machine.ts";
import { runTransform } from "./transform.ts";

export interface ProcessSandboxOptions extends MachineOptions {
  readonly blobs: BlobStore;
  /** Where people read along while steps run; undefined: nowhere. */
  readonly liveLogs?: Pick<LiveLogs, "append"> | undefined;
  /** Undefined: every step of every transform runs. */
  readonly stepCache?: StepCache | undefined;
  /** The value of a secret, if there is one by that name. */
  readonly secrets: (name: string) => string | undefined;
  /** Told when a transform has written its result; its failure is logged, since `inspect` tells the same. */
  readonly reported: (job: TransformJob) => Promise<void>;
  /** Of how many transforms steps run at once. As many more may have begun; the others wait in order. */
  readonly slots: number;
  /**
   * Asked of a transform that had to wait, before anything of it begins: whether it still may. One that may not is as if it
   * had never been started. Without it each may.
   */
  readonly mayBegin?: (job: TransformJob) => Promise<boolean>;
  readonly logger?: { error(fields: Record<string, unknown>, message: string): void };
}

/** More may be in a control group than a step may have. */
const processesOfOurs = 16;

interface Running {
  readonly abort: AbortController;
  /** From when it has begun. */
  seat?: Seat;
  /** Set while it waits for a place. */
  waitingFor: string | undefined;
  readonly done: Promise<void>;
}

/**
 * Runs transforms as processes of this machine, in namespaces of their own. The workspace is a tmpfs: it holds at most
 * `diskBytes`, and where control groups limit memory, what a step writes counts as its memory too. Where they do not,
 * each process of a step has the limit for itself. `unshare` has no seccomp filter; otherwise it isolates as bubblewrap.
 * If this process dies, all of them die with it, and the next one clears away what they left; a transform that died so is
 * `unknown` and can be started again.
 */
export function createProcessSandbox(options: ProcessSandboxOptions): Sandbox & { close(): Promise<void> } {
  const running = new Map<string, Running>();
  const slots = createSlots(options.slots);
  // While the steps of some run, as many others may bring their commits: that is mostly waiting.
  const begun = createSlots(2 * options.slots);
  const forPlace = `a free place: ${options.slots} transforms run on this machine at once`;
  const groups = new Map<number, ControlGroup>();
  let machine: Promise<Machine> | undefined;
  let closed = false;

  function refuseWhenClosed(): void {
    if (closed) throw new SandboxUnavailable("The sandbox is closing; start the transform again later.");
  }

  async function ready(): Promise<Machine> {
    refuseWhenClosed();
    // A machine that could not isolate may be able to once somebody has followed the remedy.
    machine ??= surveyMachine(options).catch((error: unknown) => {
      machine = undefined;
      throw error;
    });
    return machine;
  }

  async function controlGroup(here: Machine, slot: number, job: TransformJob): Promise<ControlGroup | undefined> {
    if (here.hierarchies.length === 0) return undefined;
    const { limits, steps } = job;
    // Those who start the steps are in there, and what bubblewrap has left behind until somebody asks for how it ended.
    const processes = limits.processes + processesOfOurs + 2 * steps.length;
    const group = await createControlGroup(here.hierarchies, `${here.instance.name}-${slot}`, { ...limits, processes });
    groups.set(slot, group);
    return group;
  }

  async function execute(here: Machine, job: TransformJob, entry: Running): Promise<void> {
    const place = await begun.take(entry.abort.signal);
    if (place === undefined) return;
    try {
      if (await hasLeave(job, entry)) await carryOut(here, job, entry);
    } finally {
      begun.give(place);
    }
  }

  async function carryOut(here: Machine, job: TransformJob, entry: Running): Promise<void> {
    const given = await here.given();
    const { signal } = entry.abort;
    const directory = join(here.instance.path, randomBytes(8).toString("hex"));
    const seat = (entry.seat = createSeat({
      slots,
      machine: here,
      given,
      directory,
      limits: job.limits,
      controlGroup: (slot) => controlGroup(here, slot, job),
      waits: (isWaiting) => (entry.waitingFor = isWaiting ? forPlace : undefined),
      signal,
    }));
    const liveLog = liveLogOf(job);
    try {
      if (signal.aborted) return;
      await mkdir(directory, { mode: 0o700 });
      const result = await runTransform(job, {
        ...options,
        sources: here.sources,
        seat,
        gitDirectory: join(directory, "git"),
        runGit: (command) => runCommand(command),
        cache: cacheOf(here, given),
        signal,
        watch: liveLog,
        artifactPrefix: `${job.artifactPrefix}/attempts/${randomBytes(6).toString("hex")}`,
      });
      if (signal.aborted) return;
      await options.blobs.put(resultKey(job), serializeTransformResult(result));
    } finally {
      liveLog?.close();
      await seat.leave();
      given.release();
      // What a step has left may resist; nobody else has to wait for that.
      await removeAll(directory).catch((error: unknown) => {
        options.logger?.error({ err: error, directory }, "the directory of a transform could not be removed");
      });
    }
    // `inspect` has to say finished by the time anybody hears of it.
    running.delete(job.executionId);
    await options.reported(job);
  }

  /** Without isolation a step can read anything, so nothing names all that it depends on. */
  function cacheOf(here: Machine, { programs }: Given): StepCacheInUse | undefined {
    if (options.stepCache === undefined || here.isolation === "none") return undefined;
    return { steps: options.stepCache, programs, isNamed: () => true };
  }

  /** Of a transform that had to wait. */
  async function hasLeave(job: TransformJob, entry: Running): Promise<boolean> {
    if (entry.waitingFor === undefined) return true;
    const mayBegin = (await options.mayBegin?.(job)) ?? true;
    entry.waitingFor = undefined;
    return mayBegin;
  }

  function liveLogOf({ executionId, attempt, limits: { logBytes } }: TransformJob) {
    const { liveLogs, logger } = options;
    const failed = (error: unknown): void =>
      logger?.error({ err: error, executionId }, "what the steps print cannot be shown before they end");
    return liveLogs && createLiveLogWriter({ liveLogs, attempt: { executionId, attempt }, logBytes, failed });
  }

  async function isFinished(job: Pick<TransformJob, "artifactPrefix">): Promise<boolean> {
    try {
      await options.blobs.get(resultKey(job));
      return true;
    } catch (error) {
      if (error instanceof BlobNotFound) return false;
      throw error;
    }
  }

  async function cancel(executionId: string): Promise<void> {
    const entry = running.get(executionId);
    if (entry === undefined) return;
    entry.abort.abort(new Error("it was cancelled"));
    await entry.seat?.clear();
    await entry.done;
  }

  return {
    async start(job) {
      const here = await ready();
      if (running.has(job.executionId) || (await isFinished(job)) || running.has(job.executionId)) {
        return waitOf(running.get(job.executionId));
      }
      // Closing takes nobody in who comes after it has begun.
      refuseWhenClosed();
      const done = Promise.withResolvers<void>();
      const waitingFor = begun.isFull() ? forPlace : undefined;
      const entry: Running = { abort: new AbortController(), waitingFor, done: done.promise };
      running.set(job.executionId, entry);
      void execute(here, job, entry)
        .catch((error: unknown) => {
          options.logger?.error({ err: error, executionId: job.executionId }, "a transform ended without a result");
        })
        .finally(() => {
          if (running.get(job.executionId) === entry) running.delete(job.executionId);
          done.resolve();
        });
      return waitOf(entry);
    },
    async inspect(job) {
      const entry = running.get(job.executionId);
      if (entry !== undefined) return { status: "running", waitingFor: entry.waitingFor };
      return { status: (await isFinished(job)) ? "finished" : "unknown" };
    },
    cancel,
    async check() {
      await ready();
    },
    async close() {
      closed = true;
      await Promise.all([...running.keys()].map(cancel));
      const here = await machine?.catch(() => undefined);
      await Promise.all([...groups.values()].map((group) => group.remove()));
      if (here !== undefined) await removeAll(here.instance.path);
    },
  };
}

function waitOf(entry: Running | undefined): { readonly waitingFor: string } | undefined {
  return entry?.waitingFor === undefined ? undefined : { waitingFor: entry.waitingFor };
}

function resultKey(job: Pick<TransformJob, "artifactPrefix">): string {
  return `${job.artifactPrefix}/result.json`;
}
