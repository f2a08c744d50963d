import type { CoreV1Api, V1Container, V1ContainerStatus, V1PodSpec, V1PodStatus } from "@kubernetes/client-node";

type State = NonNullable<V1ContainerStatus["state"]>;

/** What the kubelet reports of one pod: its containers as they come and go, each report after the one before. */
export interface PodReports {
  /** A container is in this state from now on. */
  set(container: string, state: State): Promise<void>;
  restarted(container: string): void;
  /** The pod has ended; whatever still ran in it was ended with it. */
  finish(status: Partial<V1PodStatus>): Promise<void>;
  /** The pod itself, with its containers as they are. */
  report(status: Partial<V1PodStatus>): Promise<void>;
}

export function openPodReports(
  core: CoreV1Api,
  pod: { readonly namespace: string; readonly name: string; readonly spec: V1PodSpec },
): PodReports {
  const { initContainers = [], containers } = pod.spec;
  const startTime = new Date();
  const statuses = new Map<string, V1ContainerStatus>();
  for (const { name, image = "" } of [...initContainers, ...containers]) {
    const state = { waiting: { reason: "PodInitializing" } };
    statuses.set(name, { name, image, imageID: "", ready: false, restartCount: 0, state });
  }
  let reporting: Promise<void> = Promise.resolve();

  async function report(status: Partial<V1PodStatus>): Promise<void> {
    const statusesOf = (those: readonly V1Container[]): V1ContainerStatus[] =>
      those.flatMap(({ name }) => structuredClone(statuses.get(name)) ?? []);
    const body = {
      status: {
        startTime,
        ...status,
        initContainerStatuses: statusesOf(initContainers),
        containerStatuses: statusesOf(containers),
      },
    };
    reporting = reporting.then(() => patchStatus(core, pod.namespace, pod.name, body));
    await reporting;
  }

  return {
    async set(container, state) {
      const status = statuses.get(container);
      if (status !== undefined) status.state = state;
      const isRunning = containers.some(({ name }) => statuses.get(name)?.state?.running !== undefined);
      await report({ phase: isRunning ? "Running" : "Pending" });
    },
    restarted(container) {
      const status = statuses.get(container);
      if (status !== undefined) status.restartCount += 1;
    },
    async finish(status) {
      for (const each of statuses.values()) {
        const startedAt = each.state?.running?.startedAt;
        if (startedAt === undefined) continue;
        each.state = { terminated: { exitCode: 137, reason: "Error", startedAt, finishedAt: new Date() } };
      }
      await report(status);
    },
    report,
  };
}

/** Again and again while the API server is away; a pod that is gone has no status. */
async function patchStatus(core: CoreV1Api, namespace: string, name: string, body: object): Promise<void> {
  const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  for (;;) {
    try {
      await core.patchNamespacedPodStatus(
        { namespace, name, body },
        setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
      );
      return;
    } catch (error) {
      if (error instanceof Error && "code" in error && typeof error.code === "number") return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
