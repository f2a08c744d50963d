import { createHash } from "node:crypto";
import type { V1HostAlias, V1Job, V1PodSpec, V1Volume } from "@kubernetes/client-node";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import { annotationsOf, jobName, labelsOf, networkLabel } from "./job-names.ts";
import { ours, secretKeys } from "./pod-layout.ts";
import { stepSecretsName, type JobNetwork, type JobSettings } from "./job-settings.ts";
import { initContainers, lastContainer, secretNamesOf, volumeBytes } from "./pod-containers.ts";

/** What a Job needs beside its steps' time: pulling images, fetching, laying out, the diff, handing in. */
const besidesStepsMs = 30 * 60_000;
/** How long a Job may wait for a node, beside its time to run. */
export const longestWaitMs = 60 * 60_000;
/** How long a Job is kept after its end, for people who look, and for us to see why it ended. */
const keptSeconds = 3600;

/** How long the pod may run, from when a node has taken it. */
function runMs(job: TransformJob): number {
  return job.steps.reduce((sum, { timeoutMs }) => sum + timeoutMs, 0) + besidesStepsMs;
}

/** How long after its start a Job is ended for sure: what its tokens have to outlast. */
export function longestLifeMs(job: TransformJob): number {
  return runMs(job) + longestWaitMs;
}

/**
 * The Job of one attempt. It begins suspended, so that its Secret can be made, with the Job as its owner, before there is
 * a pod to wait for it. Nothing secret is in it.
 *
 * @param artifactsAddress The IP address of the artifacts service, for the pod has no DNS: a name it could ask for is a
 * way out. Undefined when the URL has an address already.
 */
export function jobManifest(job: TransformJob, settings: JobSettings, artifactsAddress: string | undefined): V1Job {
  const metadata = { labels: { ...labelsOf(job) }, annotations: { ...annotationsOf(job) } };
  const allowed = Object.fromEntries(job.networks.map((name) => [networkLabel(name), "allowed"]));
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: jobName(job), namespace: settings.namespace, ...metadata },
    spec: {
      suspend: true,
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      activeDeadlineSeconds: Math.ceil(longestLifeMs(job) / 1000),
      ttlSecondsAfterFinished: keptSeconds,
      template: {
        metadata: { ...metadata, labels: { ...metadata.labels, ...allowed } },
        spec: podSpec(job, settings, artifactsAddress),
      },
    },
  };
}

function podSpec(job: TransformJob, settings: JobSettings, artifactsAddress: string | undefined): V1PodSpec {
  const { pod } = settings;
  const user = pod.runAsUser ?? ownUser(job.executionId);
  const { hostname } = new URL(settings.artifactsUrl);
  return {
    restartPolicy: "Never",
    activeDeadlineSeconds: Math.ceil(runMs(job) / 1000),
    // A step is ended by `conduct`; what is left to end has nothing to say.
    terminationGracePeriodSeconds: 2,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...(pod.hostUsers === undefined ? {} : { hostUsers: pod.hostUsers }),
    dnsPolicy: "None",
    // Kubernetes wants a server; nobody answers there.
    dnsConfig: { nameservers: ["127.0.0.1"] },
    hostAliases: [
      ...(artifactsAddress === undefined ? [] : [{ ip: artifactsAddress, hostnames: [hostname] }]),
      ...job.networks.flatMap((name) => hostAliases(settings.networks[name])),
    ],
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      seccompProfile: { type: "RuntimeDefault" },
    },
    ...(pod.nodeSelector === undefined ? {} : { nodeSelector: { ...pod.nodeSelector } }),
    ...(pod.priorityClassName === undefined ? {} : { priorityClassName: pod.priorityClassName }),
    ...(pod.runtimeClassName === undefined ? {} : { runtimeClassName: pod.runtimeClassName }),
    ...(pod.imagePullSecrets === undefined ? {} : { imagePullSecrets: pod.imagePullSecrets.map((name) => ({ name })) }),
    tolerations: [...(pod.tolerations ?? []), ...lostNodes],
    initContainers: initContainers(job, settings),
    containers: [lastContainer(job, settings)],
    volumes: volumes(job, pod.workspaceMedium),
  };
}

/** A node that does not answer is given up sooner than the five minutes that Kubernetes gives it: another attempt waits. */
const lostNodes = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].map((key) => ({
  key,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: 60,
}));

function hostAliases(network: JobNetwork | undefined): V1HostAlias[] {
  return Object.entries(network?.hosts ?? {}).map(([hostname, ip]) => ({ ip, hostnames: [hostname] }));
}

/** A user of its own, as far as numbers go: limits of processes are counted by user, on the whole node. */
function ownUser(executionId: string): number {
  return 10_000 + (createHash("sha256").update(executionId).digest().readUInt32BE(0) % 50_000);
}

function volumes(job: TransformJob, medium: "disk" | "memory"): V1Volume[] {
  const secretName = jobName(job);
  const bytes = volumeBytes(job);
  const secrets = secretNamesOf(job);
  return [
    { name: "job", secret: { secretName, items: [{ key: secretKeys.job, path: secretKeys.job }] } },
    { name: "source-token", secret: { secretName, items: [{ key: secretKeys.source, path: ours.tokenFile }] } },
    { name: "upload-token", secret: { secretName, items: [{ key: secretKeys.upload, path: ours.tokenFile }] } },
    {
      name: "work",
      emptyDir: { sizeLimit: String(bytes.work), ...(medium === "memory" ? { medium: "Memory" } : {}) },
    },
    { name: "private", emptyDir: { sizeLimit: String(bytes.private) } },
    ...(secrets.length === 0
      ? []
      : [
          {
            name: "step-secrets",
            secret: {
              secretName: stepSecretsName,
              optional: true,
              items: secrets.map((name) => ({ key: name, path: name })),
            },
          },
        ]),
  ];
}
