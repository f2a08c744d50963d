import { randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BlobNotFound, type BlobStore } from "#shared/ports/blob-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { RepositoryRef } from "#shared/ports/code-host.ts";
import type { LiveLogs } from "#shared/ports/live-logs.ts";
import { SandboxUnavailable, type Sandbox, type TransformJob } from "#shared/ports/sandbox.ts";
import { serializeTransformResult } from "#shared/execution/transform-result.ts";
import { createLiveLogWriter } from "#shared/transform/live-log-writer.ts";
import type { StepCache } from "#shared/transform/step-cache.ts";
import type { RemoteAccess } from "../git/remote.ts";
import { createSourceCache, type Sources } from "../git/source-cache.ts";
import { createControlGroup, findControlGroups, removeStaleGroups, type ControlGroup } from "./control-groups.ts";
import { openDirectory, openEnclosure, type Enclosure } from "./enclosure.ts";
import { readHostView, type HostView } from "./host-view.ts";
import { claimInstanceDirectory, isStaleInstance, type InstanceDirectory } from "./instance-directory.ts";
import { detectIsolation, isRoot, stepUser, type IsolationKind } from "./isolation.ts";
import type { StepPlace } from "./launch-step.ts";
import { nameOfPrograms } from "./programs.ts";
import { runCommand } from "./run-command.ts";
import { seccompProgram } from "./seccomp.ts";
import { createSlots } from "./slots.ts";
import { runTransform } from "./transform.ts";

export interface ProcessSandboxOptions {
  readonly codeHost: { gitAccess(repository: RepositoryRef): Promise<RemoteAccess> };
  readonly blobs: BlobStore;
  /** Where people read along while steps run; undefined: nowhere. */
  readonly liveLogs?: Pick<LiveLogs, "append"> | undefined;
  /** Undefined: every step of every transform runs. */
  readonly stepCache?: StepCache | undefined;
  /** What the commits that are kept for later transforms may take on the disk; 0 by default: none is kept. */
  readonly sourceCacheBytes?: number | undefined;
  /** The value of a secret, if there is one by that name. */
  readonly secrets: (name: string) => string | undefined;
  /** Told when a transform has written its result; its failure is logged, since `inspect` tells the same. */
  readonly reported: (executionId: string) => Promise<void>;
  /** For work in progress. Removed piece by piece; several processes may share it. */
  readonly workDirectory: string;
  /** How many transforms run at once; more wait in order. */
  readonly slots: number;
  readonly clock: Clock;
  /** Set by the operator. By default what the machine has, and `none` never without being asked for. */
  readonly isolation?: IsolationKind;
  /** First in the PATH of steps, and visible to them. */
  readonly toolDirectories?: readonly string[];
  /** Visible to steps, for what the tools need. */
  readonly readOnlyDirectories?: readonly string[];
  /** For git: proxies and certificates, such as `https_proxy` or `GIT_SSL_CAINFO`. */
  readonly gitEnvironment?: Readonly<Record<string, string>>;
  readonly logger?: { error(fields: Record<string, unknown>, message: string): void };
}

/** What is found out once, at the first need. */
interface Machine {
  readonly isolation: IsolationKind;
  readonly instance: InstanceDirectory;
  readonly view: HostView;
  readonly hierarchies: Awaited<ReturnType<typeof findControlGroups>>;
  readonly seccompFile: string | undefined;
  readonly sources: Sources;
  /** Names what this machine gives to steps, see `nameOfPrograms`. */
  readonly programs: string;
}

interface Running {
  readonly abort: AbortController;
  enclosure?: Enclosure;
  readonly done: Promise<void>;
}

/**
 * Runs transforms as processes of this machine, in namespaces of their own. The workspace is a tmpfs: it holds at most
 * `diskBytes`, and where control groups limit memory, what a step writes counts as its memory too. Where they do not,
 * each process of a step has the limit for itself. `unshare` has no seccomp filter; otherwise it isolates as bubblewrap.
 * If this process dies, all of them die with
 * it, and the next one clears away what they left; a transform that died so is `unknown` and can be started again.
 */
export function createProcessSandbox(options: ProcessSandboxOptions): Sandbox & { close(): Promise<void> } {
  const running = new Map<string, Running>();
  const slots = createSlots(options.slots);
  const groups = new Map<number, ControlGroup>();
  let machine: Promise<Machine> | undefined;
  let closed = false;

  function ready(): Promise<Machine> {
    if (closed)
      return Promise.reject(new SandboxUnavailable("The sandbox is closing; start the transform again later."));
    // A machine that could not isolate may be able to once somebody has followed the remedy.
    machine ??= surveyMachine(options).catch((error: unknown) => {
      machine = undefined;
      throw error;
    });
    return machine;
  }

  async function controlGroup(here: Machine, slot: number, job: TransformJob): Promise<ControlGroup | undefined> {
    if (here.hierarchies.length === 0) return undefined;
    const group = await createControlGroup(here.hierarchies, `${here.instance.name}-${slot}`, job.limits);
    groups.set(slot, group);
    return group;
  }

  async function execute(here: Machine, job: TransformJob, entry: Running): Promise<void> {
    const slot = await slots.take();
    const directory = join(here.instance.path, randomBytes(8).toString("hex"));
    const liveLog = liveLogOf(job);
    try {
      if (entry.abort.signal.aborted) return;
      await mkdir(directory, { mode: 0o700 });
      const openPlace = async (): Promise<StepPlace> => {
        const volume = join(directory, "volume");
        const isolated = here.isolation !== "none";
        const enclosure = await (isolated
          ? openEnclosure({ volume, volumeBytes: job.limits.diskBytes, asRoot: isRoot() })
          : openDirectory({ volume }));
        entry.enclosure = enclosure;
        if (entry.abort.signal.aborted) await enclosure.destroy();
        return {
          isolation: here.isolation,
          enclosure,
          view: here.view,
          seccompFile: here.seccompFile,
          user: isolated ? stepUser(slot) : { kind: "mapped", id: 1000 },
          controlGroup: isolated ? await controlGroup(here, slot, job) : undefined,
          objectsDirectory: undefined,
          directory: "",
        };
      };
      const result = await runTransform(job, {
        ...options,
        sources: here.sources,
        openPlace,
        gitDirectory: join(directory, "git"),
        runGit: (command) => runCommand(command),
        cache: options.stepCache && { steps: options.stepCache, programs: here.programs },
        signal: entry.abort.signal,
        watch: liveLog,
        artifactPrefix: `${job.artifactPrefix}/attempts/${randomBytes(6).toString("hex")}`,
      });
      if (entry.abort.signal.aborted) return;
      await options.blobs.put(resultKey(job), serializeTransformResult(result));
    } finally {
      liveLog?.close();
      await entry.enclosure?.destroy();
      await rm(directory, { recursive: true, force: true });
      slots.give(slot);
    }
    // `inspect` has to say finished by the time anybody hears of it.
    running.delete(job.executionId);
    await options.reported(job.executionId);
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
    await entry.enclosure?.destroy();
    await entry.done;
  }

  return {
    async start(job) {
      const here = await ready();
      if (running.has(job.executionId) || (await isFinished(job)) || running.has(job.executionId)) return;
      const done = Promise.withResolvers<void>();
      const entry: Running = { abort: new AbortController(), done: done.promise };
      running.set(job.executionId, entry);
      void execute(here, job, entry)
        .catch((error: unknown) => {
          options.logger?.error({ err: error, executionId: job.executionId }, "a transform ended without a result");
        })
        .finally(() => {
          if (running.get(job.executionId) === entry) running.delete(job.executionId);
          done.resolve();
        });
    },
    async inspect(job) {
      if (running.has(job.executionId)) return { status: "running" };
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
      if (here !== undefined) await rm(here.instance.path, { recursive: true, force: true });
    },
  };
}

function resultKey(job: Pick<TransformJob, "artifactPrefix">): string {
  return `${job.artifactPrefix}/result.json`;
}

/** @throws SandboxUnavailable with what is missing and the remedy. */
async function surveyMachine(options: ProcessSandboxOptions): Promise<Machine> {
  const instance = await claimInstanceDirectory(options.workDirectory);
  try {
    const program = seccompProgram(process.arch);
    const seccompFile = program === undefined ? undefined : join(instance.path, "seccomp");
    if (program !== undefined && seccompFile !== undefined) await writeFile(seccompFile, program);
    const view = await readHostView({
      toolDirectories: options.toolDirectories ?? [],
      readOnlyDirectories: options.readOnlyDirectories ?? [],
      workDirectory: options.workDirectory,
    });
    const isolation = await isolationHere(options, instance, seccompFile);
    const hierarchies = isolation === "none" ? [] : await usableControlGroups(instance.name);
    await removeStaleGroups(hierarchies, isStaleInstance);
    const sources = createSourceCache({
      directory: join(options.workDirectory, "sources"),
      incoming: instance.path,
      limitBytes: options.sourceCacheBytes ?? 0,
      access: ({ repositoryId: id, repositoryNodeId: nodeId, owner, name }) =>
        options.codeHost.gitAccess({ id, nodeId, owner, name }),
      gitEnvironment: options.gitEnvironment,
      run: (command) => runCommand(command),
    });
    const programs = await nameOfPrograms(isolation, view);
    return { isolation, instance, view, hierarchies, seccompFile, sources, programs };
  } catch (error) {
    await rm(instance.path, { recursive: true, force: true });
    throw error;
  }
}

/** @throws SandboxUnavailable */
async function isolationHere(
  options: ProcessSandboxOptions,
  instance: InstanceDirectory,
  seccompFile: string | undefined,
): Promise<IsolationKind> {
  if (options.isolation === "none") return "none";
  const found = await detectIsolation(instance.path, {
    ...(seccompFile === undefined ? {} : { seccompFile }),
    ...(options.isolation === undefined ? {} : { only: options.isolation }),
  });
  if (found.kind === "unavailable") throw new SandboxUnavailable(found.because);
  return found.kind;
}

/** Control groups that can really be made; without them memory is limited for each process alone. */
async function usableControlGroups(name: string): Promise<Awaited<ReturnType<typeof findControlGroups>>> {
  const hierarchies = await findControlGroups();
  const usable = await Promise.all(
    hierarchies.map(async (hierarchy) => {
      try {
        const group = await createControlGroup([hierarchy], `${name}-try`, { memoryBytes: 64 << 20, processes: 64 });
        await group.remove();
        return [hierarchy];
      } catch {
        return [];
      }
    }),
  );
  return usable.flat();
}
