import { lookup } from "node:dns/promises";
import { openCluster } from "#shared/adapters/kubernetes/cluster.ts";
import { createKubernetesSandbox } from "#shared/adapters/kubernetes/kubernetes-sandbox.ts";
import { loadKubeConfig } from "#shared/adapters/kubernetes/load-kube-config.ts";
import type { Sandbox } from "#shared/ports/sandbox.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Settings } from "./config.ts";
import type { Foundation } from "./foundation.ts";
import { reportingTo } from "./report-execution.ts";

/** The sandbox whose transforms are Jobs of the cluster. */
export async function openKubernetesSandbox(
  context: Foundation & { readonly settings: Settings; readonly opened: Partial<Capabilities> },
): Promise<{ readonly value: Sandbox; readonly check: () => Promise<void> }> {
  const { settings, opened, clock } = context;
  const { blobs } = opened;
  if (blobs === undefined) throw new TypeError("the sandbox is opened after blobs");
  const namespace = settings.OCTOBATCH_JOBS_NAMESPACE;
  const value = createKubernetesSandbox({
    cluster: openCluster(namespace, () => loadKubeConfig(settings.OCTOBATCH_KUBECONFIG)),
    settings: {
      namespace,
      image: settings.OCTOBATCH_JOBS_IMAGE,
      artifactsUrl: settings.OCTOBATCH_ARTIFACTS_URL,
      pod: settings.OCTOBATCH_JOBS_POD,
      networks: settings.OCTOBATCH_JOBS_NETWORKS,
      reusesSteps: settings.OCTOBATCH_STEP_CACHE === "on",
    },
    blobs,
    tokenKeys: settings.OCTOBATCH_JOB_TOKEN_KEY,
    addressOf: async (hostname) => (await lookup(hostname)).address,
    reported: reportingTo(context),
    clock,
  });
  return { value, check: () => value.check() };
}
