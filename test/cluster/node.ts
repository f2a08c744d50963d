import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CoreV1Api, type V1Pod, type V1PodStatus } from "@kubernetes/client-node";
import { createControlGroup, findControlGroups } from "#shared/adapters/process/control-groups.ts";
import { readHostView } from "#shared/adapters/process/host-view.ts";
import type { ControlPlane } from "./control-plane.ts";
import { runPod, type Fault, type PodRun } from "./pod-run.ts";

/** A node for tests: scheduler, kubelet and container runtime in one, for the pods of one namespace. */
export interface TestNode {
  /** What goes wrong with containers of this name from now on. */
  break(container: string, fault: Fault): void;
  /** No pod finds a place from now on, for this reason; `undefined`: they do again. */
  refuse(because: string | undefined): void;
  /** The pods it runs. */
  pods(): readonly string[];
  /** Ends a pod and reports it so, as after an eviction. */
  endPod(name: string, status: Partial<V1PodStatus>): Promise<void>;
  killContainer(pod: string, container: string, how: { readonly reason: string; readonly exitCode: number }): void;
  /** The node is gone: what it ran has ended, and nobody reports it or lets go of its pods. */
  vanish(): Promise<void>;
  /** What containers printed, for whoever looks for why a test fails. */
  readonly output: readonly string[];
  stop(): Promise<void>;
}

const lookEveryMs = 50;

export async function startNode(
  plane: ControlPlane,
  options: { readonly namespace: string; readonly ourImage: string },
): Promise<TestNode> {
  const { namespace, ourImage } = options;
  const core = plane.admin.makeApiClient(CoreV1Api);
  const directory = await mkdtemp(join(tmpdir(), "octobatch-node-"));
  await chmod(directory, 0o755);
  const compileCache = plane.compileCache;
  const view = await readHostView({ toolDirectories: [], readOnlyDirectories: [], workDirectory: directory });
  const groups = await usableGroups();
  const faults = new Map<string, Fault>();
  const runs = new Map<string, PodRun>();
  const everyRun: PodRun[] = [];
  const output: string[] = [];
  let refusal: string | undefined;
  let isGone = false;
  const stopping = new AbortController();

  async function take(pod: V1Pod, name: string): Promise<void> {
    if (refusal !== undefined) {
      await refuse(pod, name, refusal);
      return;
    }
    await core.createNamespacedPodBinding({
      namespace,
      name,
      body: { metadata: { name }, target: { apiVersion: "v1", kind: "Node", name: "node-1" } },
    });
    const machine = {
      core,
      view,
      ourImage,
      directory,
      compileCache,
      groups,
      faultOf: (container: string) => faults.get(container),
      log: (line: string) => output.push(line),
    };
    const run = runPod(pod, machine);
    runs.set(name, run);
    everyRun.push(run);
    run.ended.catch((error: unknown) => output.push(`pod ${name}: ${String(error)}`));
  }

  async function refuse(pod: V1Pod, name: string, message: string): Promise<void> {
    const known = pod.status?.conditions?.some(({ type, status }) => type === "PodScheduled" && status === "False");
    if (known === true) return;
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastTransitionTime: new Date(),
    };
    const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
    await core.patchNamespacedPodStatus(
      { namespace, name, body: { status: { conditions: [condition] } } },
      setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
    );
  }

  async function look(): Promise<void> {
    const { items } = await core.listNamespacedPod({ namespace });
    for (const pod of items) {
      const name = pod.metadata?.name ?? "";
      if (pod.metadata?.deletionTimestamp !== undefined) {
        await runs.get(name)?.end();
        runs.delete(name);
        await core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 });
      } else if (pod.spec?.nodeName === undefined && !runs.has(name)) {
        await take(pod, name);
      }
    }
    const there = new Set(items.map(({ metadata }) => metadata?.name));
    for (const [name, run] of runs) {
      if (there.has(name)) continue;
      await run.end();
      runs.delete(name);
    }
  }

  const looking = (async () => {
    while (!stopping.signal.aborted) {
      // The API server may be away, and pods go while they are looked at.
      if (!isGone) await look().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  })();

  return {
    output,
    break: (container, fault) => void faults.set(container, fault),
    refuse(because) {
      refusal = because;
    },
    pods: () => [...runs.keys()],
    async endPod(name, status) {
      await runs.get(name)?.end(status);
    },
    killContainer(pod, container, how) {
      runs.get(pod)?.killContainer(container, how);
    },
    async vanish() {
      isGone = true;
      await Promise.all([...runs.values()].map((run) => run.end()));
      runs.clear();
    },
    async stop() {
      stopping.abort();
      await looking;
      await Promise.all([...runs.values()].map((run) => run.end()));
      await Promise.allSettled(everyRun.map((run) => run.ended));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Control groups that can really be made here; without them no memory limit is kept. */
async function usableGroups(): ReturnType<typeof findControlGroups> {
  const found = await findControlGroups();
  const usable = await Promise.all(
    found.map(async (group) => {
      try {
        const made = await createControlGroup([group], `octobatch-test-${process.pid}`, {
          memoryBytes: 64 << 20,
          processes: 64,
        });
        await made.remove();
        return [group];
      } catch {
        return [];
      }
    }),
  );
  return usable.flat();
}
