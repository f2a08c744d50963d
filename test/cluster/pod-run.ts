import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CoreV1Api, V1Container, V1Pod, V1PodSpec, V1PodStatus } from "@kubernetes/client-node";
import { createControlGroup, type ControlGroup } from "#shared/adapters/process/control-groups.ts";
import type { HostView } from "#shared/adapters/process/host-view.ts";
import { runCommand } from "#shared/adapters/process/run-command.ts";
import { containerCommand, imageEnvironment } from "./container-command.ts";
import { openPodSpace, type PodSpace } from "./pod-space.ts";
import { openPodReports, type PodReports } from "./pod-status.ts";
import { endProcessTree } from "./process-tree.ts";
import { readSecret, type SecretData } from "./read-secret.ts";

/** What of a pod goes wrong, as the kubelet reports it. */
export type Fault =
  /** The container never starts: its image cannot be pulled, or the like. */
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  /** The container ends so, without having run. */
  | { readonly terminated: { readonly exitCode: number; readonly reason?: string; readonly message?: string } };

export interface PodMachine {
  readonly core: CoreV1Api;
  readonly view: HostView;
  /** The image that stands for Octobatch's own. */
  readonly ourImage: string;
  readonly directory: string;
  readonly compileCache: string;
  readonly groups: Parameters<typeof createControlGroup>[0];
  /** What goes wrong with a container, if anything. */
  readonly faultOf: (container: string) => Fault | undefined;
  readonly log: (line: string) => void;
}

/** One pod on its node. */
export interface PodRun {
  /** Resolves when the pod has ended, its status says so, and nothing of it is left. */
  readonly ended: Promise<void>;
  /** Ends everything in the pod, and reports what is given; nothing is reported otherwise. */
  end(status?: Partial<V1PodStatus>): Promise<void>;
  /** Ends one container as the kernel or a person would. */
  killContainer(name: string, how: { readonly reason: string; readonly exitCode: number }): void;
}

/** Runs a pod as the kubelet does: init containers in their order, sidecars beside what comes after them, then the rest. */
export function runPod(pod: V1Pod, machine: PodMachine): PodRun {
  const run = new RunningPod(pod, machine);
  const ended = run.run();
  return { ended, end: (status) => run.end(status), killContainer: (name, how) => run.killContainer(name, how) };
}

class RunningPod {
  readonly #name: string;
  readonly #namespace: string;
  readonly #spec: V1PodSpec;
  readonly #machine: PodMachine;
  readonly #directory: string;
  readonly #reports: PodReports;
  readonly #running = new Map<string, { child: ChildProcess; killedFor?: { reason: string; exitCode: number } }>();
  #space: PodSpace | undefined;
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;

  constructor(pod: V1Pod, machine: PodMachine) {
    if (pod.spec === undefined) throw new Error("A pod has a spec.");
    this.#name = pod.metadata?.name ?? "";
    this.#namespace = pod.metadata?.namespace ?? "";
    this.#spec = pod.spec;
    this.#machine = machine;
    this.#directory = join(machine.directory, this.#name);
    this.#reports = openPodReports(machine.core, { namespace: this.#namespace, name: this.#name, spec: pod.spec });
  }

  async run(): Promise<void> {
    const deadline = this.#spec.activeDeadlineSeconds;
    const timer =
      deadline === undefined
        ? undefined
        : setTimeout(
            () =>
              void this.end({
                phase: "Failed",
                reason: "DeadlineExceeded",
                message: "Pod was active on the node longer than the specified deadline",
              }),
            deadline * 1000,
          );
    try {
      await this.#prepare();
      const succeeded = await this.#runAll();
      if (!this.#isOver) await this.end({ phase: succeeded ? "Succeeded" : "Failed" });
    } catch (error) {
      if (!this.#isOver) throw error;
    } finally {
      clearTimeout(timer);
      // It may have been ended while it was prepared.
      await this.#clearAway();
    }
  }

  async end(status?: Partial<V1PodStatus>): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#over.resolve();
    await this.#clearAway();
    if (status !== undefined) await this.#reports.finish(status);
  }

  async #clearAway(): Promise<void> {
    await this.#space?.destroy();
    // Whoever prepares it may write at this moment.
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }

  killContainer(name: string, how: { reason: string; exitCode: number }): void {
    const entry = this.#running.get(name);
    if (entry === undefined) throw new Error(`No container ${name} runs in ${this.#name}.`);
    entry.killedFor = how;
    endProcessTree(entry.child.pid);
  }

  async #prepare(): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    await chmod(this.#directory, 0o755);
    const emptyDirs = (this.#spec.volumes ?? []).flatMap(({ name, emptyDir }) =>
      emptyDir === undefined ? [] : [[name, Number(emptyDir.sizeLimit ?? 1 << 30)] as const],
    );
    this.#space = await openPodSpace(this.#directory, new Map(emptyDirs));
    for (const { name, secret } of this.#spec.volumes ?? []) {
      if (secret?.secretName === undefined) continue;
      const directory = join(this.#directory, "secrets", name);
      await mkdir(directory, { recursive: true });
      const data = await this.#secret(secret.secretName, secret.optional === true);
      for (const { key, path } of secret.items ?? Object.keys(data).map((key) => ({ key, path: key }))) {
        const value = data[key];
        if (value !== undefined) await writeFile(join(directory, path), Buffer.from(value, "base64"), { mode: 0o644 });
        else if (secret.optional !== true) throw new Error(`The Secret ${secret.secretName} has no ${key}.`);
      }
    }
    const aliases = (this.#spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${ip} ${hostnames.join(" ")}\n`);
    await writeFile(join(this.#directory, "hosts"), `127.0.0.1 localhost\n${aliases.join("")}`);
    await this.#reports.report({ phase: "Pending" });
  }

  async #runAll(): Promise<boolean> {
    for (const container of this.#spec.initContainers ?? []) {
      if (this.#isOver) return false;
      if (container.restartPolicy === "Always") {
        await this.#runSidecar(container);
        continue;
      }
      if ((await this.#runContainer(container)) !== 0) return false;
    }
    const codes = await Promise.all(this.#spec.containers.map((container) => this.#runContainer(container)));
    return codes.every((code) => code === 0);
  }

  async #runSidecar(container: V1Container): Promise<void> {
    const started = Promise.withResolvers<void>();
    void (async () => {
      while (!this.#isOver) {
        await this.#runContainer(container, () => started.resolve());
        this.#reports.restarted(container.name);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })().catch((error: unknown) => started.reject(error instanceof Error ? error : new Error(String(error))));
    await started.promise;
  }

  /** @returns its exit code. One that has a fault that waits never ends. */
  async #runContainer(container: V1Container, started?: () => void): Promise<number> {
    const fault = this.#machine.faultOf(container.name);
    if (fault !== undefined && "waiting" in fault) {
      await this.#reports.set(container.name, { waiting: fault.waiting });
      await this.#over.promise;
      return 1;
    }
    if (fault !== undefined && "terminated" in fault) return this.#ended(container.name, new Date(), fault.terminated);
    const group = await this.#controlGroup(container);
    const startedAt = new Date();
    const child = await this.#spawn(container, group);
    const entry: { child: ChildProcess; killedFor?: { reason: string; exitCode: number } } = { child };
    this.#running.set(container.name, entry);
    const ended = new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (exitCode) => resolve(exitCode ?? 137));
    });
    await this.#reports.set(container.name, { running: { startedAt } });
    started?.();
    const code = await ended;
    this.#running.delete(container.name);
    await group?.remove();
    if (this.#isOver) return code;
    const { reason, exitCode } = entry.killedFor ?? { reason: code === 0 ? "Completed" : "Error", exitCode: code };
    return this.#ended(container.name, startedAt, { exitCode, reason });
  }

  async #spawn(container: V1Container, group: ControlGroup | undefined): Promise<ChildProcess> {
    const space = this.#space;
    if (space === undefined) throw new Error("A pod that runs has its space.");
    const isOurs = container.image === this.#machine.ourImage;
    const environment = await this.#environment(container, isOurs);
    const made: string[] = [];
    const mounts = (container.volumeMounts ?? []).map(({ name, mountPath, subPath, readOnly }) => {
      const isSecret = this.#spec.volumes?.some((volume) => volume.name === name && volume.secret !== undefined);
      const source = isSecret === true ? join(this.#directory, "secrets", name) : space.volume(name);
      if (subPath !== undefined) made.push(join(source, subPath));
      return { source: join(source, subPath ?? ""), target: mountPath, readOnly: readOnly === true };
    });
    // As the kubelet does: a place in a volume that is not there becomes a directory.
    const script = 'umask 000; for path; do [ -e "$path" ] || mkdir -p "$path"; done';
    await runCommand({
      argv: [...space.enter, "sh", "-euc", script, "sh", ...made],
      environment: { PATH: "/usr/bin:/bin" },
      timeoutMs: 10_000,
      maxOutputBytes: 1 << 16,
    });
    const user = container.securityContext?.runAsUser ?? this.#spec.securityContext?.runAsUser ?? 0;
    const hosts = { source: join(this.#directory, "hosts"), target: "/etc/hosts", readOnly: true };
    const words = containerCommand({
      container,
      view: this.#machine.view,
      mounts: [...mounts, hosts],
      user,
      isOurs,
      compileCache: this.#machine.compileCache,
    });
    const [program = "", ...argv] = [...joinGroup(group), ...space.enter, ...words];
    const child = spawn(program, argv, { env: environment, cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (bytes: Buffer) => this.#machine.log(`${container.name}: ${bytes.toString("utf8")}`));
    }
    return child;
  }

  async #environment(container: V1Container, isOurs: boolean): Promise<Record<string, string>> {
    const environment = imageEnvironment(isOurs, this.#machine.compileCache);
    for (const { name, value, valueFrom } of container.env ?? []) {
      const from = valueFrom?.secretKeyRef;
      if (value !== undefined) environment[name] = value;
      if (from?.name === undefined) continue;
      const found = (await this.#secret(from.name, from.optional === true))[from.key];
      if (found !== undefined) environment[name] = Buffer.from(found, "base64").toString("utf8");
    }
    return environment;
  }

  #secret(name: string, isOptional: boolean): Promise<SecretData> {
    return readSecret({
      core: this.#machine.core,
      namespace: this.#namespace,
      name,
      isOptional,
      isOver: () => this.#isOver,
    });
  }

  async #controlGroup(container: V1Container): Promise<ControlGroup | undefined> {
    const { groups } = this.#machine;
    if (groups.length === 0 || container.image === this.#machine.ourImage) return undefined;
    const memoryBytes = Number(container.resources?.limits?.["memory"] ?? 1 << 30);
    const name = `octobatch-test-${process.pid}-${randomBytes(4).toString("hex")}`;
    return createControlGroup(groups, name, { memoryBytes, processes: 4096 });
  }

  async #ended(
    name: string,
    startedAt: Date,
    how: { exitCode: number; reason?: string; message?: string },
  ): Promise<number> {
    if (!this.#isOver) await this.#reports.set(name, { terminated: { ...how, startedAt, finishedAt: new Date() } });
    return how.exitCode;
  }
}

function joinGroup(group: ControlGroup | undefined): string[] {
  if (group === undefined) return [];
  const script =
    'count=$1; shift; while [ "$count" -gt 0 ]; do echo $$ >"$1" || exit 125; shift; count=$((count - 1)); done; exec "$@"';
  return ["/bin/sh", "-c", script, "sh", String(group.procsFiles.length), ...group.procsFiles];
}
