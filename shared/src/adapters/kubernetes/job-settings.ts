import type { V1Toleration } from "@kubernetes/client-node";

/** What the operator decides about Jobs. */
export interface JobSettings {
  /** Jobs have a namespace of their own, with nothing else in it. */
  readonly namespace: string;
  /** Octobatch's own image, for `checkout`, `conduct` and `end`. */
  readonly image: string;
  /** Where Jobs reach the artifacts service. */
  readonly artifactsUrl: string;
  readonly pod: PodSettings;
  /** What steps may reach when their spec asks for it, by name. A NetworkPolicy of the operator's lets it through. */
  readonly networks: Readonly<Record<string, JobNetwork>>;
  /** Whether steps of pinned images that ran before are taken from the step cache. */
  readonly reusesSteps: boolean;
}

export interface JobNetwork {
  /** IP addresses by host name: a pod has no DNS. */
  readonly hosts: Readonly<Record<string, string>>;
}

/** Where and how the pods run. */
export interface PodSettings {
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined;
  readonly tolerations?: readonly V1Toleration[] | undefined;
  readonly priorityClassName?: string | undefined;
  /** Such as gVisor's, for a second wall around the steps. */
  readonly runtimeClassName?: string | undefined;
  /** Names of Secrets in the Jobs' namespace. */
  readonly imagePullSecrets?: readonly string[] | undefined;
  /** False: the pod's users mean nothing on the node. Needs nodes that can do it. */
  readonly hostUsers?: boolean | undefined;
  /** The numeric user of all containers; by default a number that is the execution's own. */
  readonly runAsUser?: number | undefined;
  /** Of each step, as Kubernetes writes quantities. */
  readonly cpuRequest: string;
  readonly cpuLimit: string;
  readonly memoryRequest: string;
  /** Where workspaces are: on the node's disk, or in memory, which counts as the steps' own and is cut off exactly. */
  readonly workspaceMedium: "disk" | "memory";
}

/** The Secret of the Jobs' namespace with the values that steps may ask for by name. The operator makes it. */
export const stepSecretsName = "octobatch-step-secrets";
