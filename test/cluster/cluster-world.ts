import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { BatchV1Api, CoreV1Api } from "@kubernetes/client-node";
import { openCluster } from "#shared/adapters/kubernetes/cluster.ts";
import { stepSecretsName, type JobSettings, type PodSettings } from "#shared/adapters/kubernetes/job-settings.ts";
import { createKubernetesSandbox } from "#shared/adapters/kubernetes/kubernetes-sandbox.ts";
import { systemClock } from "#shared/adapters/system/system-clock.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Sandbox } from "#shared/ports/sandbox.ts";
import type { SandboxWorld } from "#shared/testing/sandbox-world.ts";
import type { ControlPlane } from "./control-plane.ts";
import { startJobDesk, type JobDesk } from "./job-desk.ts";
import { startNode, type TestNode } from "./node.ts";

/** A namespace for Jobs on the cluster of a test, as restricted as theirs is, with a node for its pods. */
export interface JobNamespace {
  readonly namespace: string;
  readonly node: TestNode;
  readonly core: CoreV1Api;
  readonly batch: BatchV1Api;
  /** What an operator would say of Jobs that hand in at this URL. */
  settings(artifactsUrl: string): JobSettings;
  close(): Promise<void>;
}

/** The same with a desk for what Jobs hand in, over the world of a test of sandboxes. */
export interface ClusterWorld extends Omit<JobNamespace, "settings"> {
  readonly desk: JobDesk;
  /** What the operator's Secret says. */
  setSecrets(secrets: ReadonlyMap<string, string>): Promise<void>;
  open(options?: { readonly token?: string; readonly clock?: Clock }): Sandbox;
}

const pod: PodSettings = {
  cpuRequest: "100m",
  cpuLimit: "1",
  memoryRequest: "64Mi",
  workspaceMedium: "memory",
};

const networks = { mirror: { hosts: { "mirror.test": "192.0.2.7" } } };

const ourImage = "octobatch.test/octobatch:1";

export async function openJobNamespace(plane: ControlPlane): Promise<JobNamespace> {
  const core = plane.admin.makeApiClient(CoreV1Api);
  const namespace = `jobs-${randomBytes(4).toString("hex")}`;
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  await core.createNamespace({ body: { metadata: { name: namespace, labels } } });
  await accountOf(core, namespace);
  const node = await startNode(plane, { namespace, ourImage });
  return {
    namespace,
    node,
    core,
    batch: plane.admin.makeApiClient(BatchV1Api),
    settings: (artifactsUrl) => ({ namespace, image: ourImage, artifactsUrl, pod, networks, reusesSteps: true }),
    async close() {
      await node.stop();
      await core.deleteNamespace({ name: namespace });
    },
  };
}

export async function openClusterWorld(plane: ControlPlane, world: SandboxWorld): Promise<ClusterWorld> {
  const jobs = await openJobNamespace(plane);
  const { namespace, core } = jobs;
  const keys = [randomBytes(32)];
  const desk = await startJobDesk(world, keys);
  return {
    ...jobs,
    desk,
    async setSecrets(secrets) {
      const metadata = { name: stepSecretsName };
      const body = { metadata, stringData: Object.fromEntries(secrets) };
      try {
        await core.createNamespacedSecret({ namespace, body });
      } catch {
        await core.replaceNamespacedSecret({ namespace, name: stepSecretsName, body });
      }
    },
    open({ token, clock = systemClock } = {}) {
      const config = token === undefined ? plane.admin : plane.as(token);
      const sandbox = createKubernetesSandbox({
        cluster: openCluster(namespace, () => Promise.resolve(config)),
        settings: jobs.settings(desk.url),
        blobs: world.blobs,
        tokenKeys: keys,
        addressOf: () => Promise.resolve("127.0.0.1"),
        reported: world.reported,
        clock,
      });
      return {
        ...sandbox,
        async start(job) {
          desk.expect(job);
          await sandbox.start(job);
        },
      };
    },
    async close() {
      await jobs.close();
      await desk.close();
    },
  };
}

/** A namespace takes pods once its default account is there. */
export async function accountOf(core: CoreV1Api, namespace: string): Promise<void> {
  for (;;) {
    try {
      await core.readNamespacedServiceAccount({ namespace, name: "default" });
      return;
    } catch {
      await wait(20);
    }
  }
}
