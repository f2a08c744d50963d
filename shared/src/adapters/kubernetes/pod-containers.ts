import type { V1Container, V1EnvVar, V1ResourceRequirements, V1VolumeMount } from "@kubernetes/client-node";
import type { JobDirection } from "#shared/artifacts/job-token.ts";
import type { SandboxStep, TransformJob } from "#shared/ports/sandbox.ts";
import { sandboxPathObjection } from "#shared/spec/sandbox-path.ts";
import { stepsThatMayRun } from "#shared/transform/progress.ts";
import { stepSecretsName, type JobSettings } from "./job-settings.ts";
import { containerNames, ours, stepContainerName, stepPaths, subPaths } from "./pod-layout.ts";
import { endCommand, stepCommand } from "./step-command.ts";

/** In the order in which they run; `conduct` goes on beside those after it, as a sidecar does. */
export function initContainers(job: TransformJob, settings: JobSettings): V1Container[] {
  return [
    ourContainer(job, settings, {
      name: containerNames.checkout,
      command: ["node", "functions/transform-job/checkout.ts"],
      volumeMounts: [tokenMount("source")],
    }),
    ourContainer(job, settings, {
      name: containerNames.conduct,
      restartPolicy: "Always",
      command: ["node", "functions/transform-job/conduct.ts"],
      volumeMounts: [
        // The one reads what is cached, the other hands in.
        tokenMount("source"),
        tokenMount("upload"),
        ...(secretNamesOf(job).length === 0 ? [] : [{ name: "step-secrets", mountPath: ours.secrets, readOnly: true }]),
      ],
    }),
    ...stepsThatMayRun(job).flatMap((index) => {
      const step = job.steps[index];
      return step === undefined ? [] : [stepContainer(job, step, index, settings)];
    }),
  ];
}

/** Kubernetes wants a container after those that come before: it ends when everything is handed in. */
export function lastContainer(job: TransformJob, settings: JobSettings): V1Container {
  return {
    name: containerNames.end,
    image: settings.image,
    command: [...endCommand],
    resources: resources(job, { cpu: "10m", memory: "16Mi" }, { cpu: "100m", memory: "64Mi" }),
    securityContext: restricted(),
    volumeMounts: [controlMount(job.steps.length)],
  };
}

/** The secrets that steps name and that a Secret can hold, each once. `conduct` says what is wrong with another. */
export function secretNamesOf(job: Pick<TransformJob, "steps">): readonly string[] {
  const names = job.steps.flatMap(({ env }) => Object.values(env).flatMap((value) => secretNameOf(value)));
  return [...new Set(names)];
}

/** A key as the data of a Secret may have it. */
function secretNameOf(value: SandboxStep["env"][string]): readonly string[] {
  return typeof value === "object" && /^[-._a-zA-Z0-9]{1,253}$/.test(value.secret) ? [value.secret] : [];
}

function ourContainer(
  job: TransformJob,
  settings: JobSettings,
  own: Required<Pick<V1Container, "name" | "command" | "volumeMounts">> & Pick<V1Container, "restartPolicy">,
): V1Container {
  return {
    ...own,
    image: settings.image,
    // What it printed last says why it failed.
    terminationMessagePolicy: "FallbackToLogsOnError",
    resources: resources(
      job,
      { cpu: "100m", memory: "256Mi" },
      { cpu: "2", memory: String(ourMemoryBytes(job, settings)) },
    ),
    securityContext: restricted(),
    volumeMounts: [
      { name: "job", mountPath: "/octobatch/job", readOnly: true },
      ...own.volumeMounts,
      { name: "work", mountPath: ours.work },
      { name: "private", mountPath: ours.private },
    ],
  };
}

/**
 * The whole patch, and the changed files in another form, are in memory at the end; and the files of the repository from
 * the beginning, where that is where workspaces are.
 */
function ourMemoryBytes({ limits }: TransformJob, { pod }: JobSettings): number {
  const laidOutBytes = pod.workspaceMedium === "memory" ? limits.diskBytes : 0;
  return 512 * mebibyte + 8 * limits.patchBytes + laidOutBytes;
}

function stepContainer(job: TransformJob, step: SandboxStep, index: number, settings: JobSettings): V1Container {
  const { pod } = settings;
  return {
    name: stepContainerName(index),
    image: step.image,
    command: [...stepCommand],
    env: secretVariables(step),
    resources: resources(
      job,
      { cpu: pod.cpuRequest, memory: pod.memoryRequest },
      { cpu: pod.cpuLimit, memory: String(job.limits.memoryBytes) },
    ),
    securityContext: restricted(),
    workingDir: "/",
    volumeMounts: [
      { name: "work", mountPath: stepPaths.workspace, subPath: subPaths.workspace },
      { name: "work", mountPath: stepPaths.temporary, subPath: subPaths.temporary(index) },
      { name: "work", mountPath: stepPaths.sharedMemory, subPath: subPaths.sharedMemory(index) },
      controlMount(index),
      { name: "private", mountPath: stepPaths.objects, subPath: subPaths.objects, readOnly: true },
      ...filesToMount(step).map(({ path, at }) => ({
        name: "private",
        mountPath: path,
        subPath: subPaths.file(index, at),
        readOnly: true,
      })),
    ],
  };
}

/**
 * The files of a step outside of its /tmp, with their numbers: where each is placed is known beforehand, only what is in
 * it is not. One that may not be placed is refused by `conduct`, with the reason.
 */
export function filesToMount(
  step: Pick<SandboxStep, "files">,
): readonly { readonly path: string; readonly at: number }[] {
  return Object.keys(step.files).flatMap((path, at) =>
    path.startsWith("/tmp/") || sandboxPathObjection(path) !== undefined ? [] : [{ path, at }],
  );
}

function secretVariables(step: SandboxStep): V1EnvVar[] {
  return Object.entries(step.env).flatMap(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return [];
    return secretNameOf(value).map((key) => ({
      name,
      valueFrom: { secretKeyRef: { name: stepSecretsName, key, optional: true } },
    }));
  });
}

function tokenMount(direction: JobDirection): V1VolumeMount {
  return { name: `${direction}-token`, mountPath: ours.tokens[direction], readOnly: true };
}

function controlMount(index: number): V1VolumeMount {
  return { name: "private", mountPath: stepPaths.own, subPath: subPaths.control(index), readOnly: true };
}

type Quantities = Readonly<Record<"cpu" | "memory", string>>;

/** The root is read-only: what a container stores is in the volumes, which have limits of their own and count here too. */
function resources(job: TransformJob, requests: Quantities, limits: Quantities): V1ResourceRequirements {
  const storage = volumeBytes(job).work + volumeBytes(job).private + 64 * mebibyte;
  return {
    requests: { ...requests, "ephemeral-storage": "256Mi" },
    limits: { ...limits, "ephemeral-storage": String(storage) },
  };
}

const mebibyte = 1 << 20;

/** What the volumes may hold. `private` has the base commit's objects, and then a little. */
export function volumeBytes({ limits }: Pick<TransformJob, "limits">): {
  readonly work: number;
  readonly private: number;
} {
  return { work: limits.diskBytes, private: limits.diskBytes + 256 * mebibyte };
}

/** What the `restricted` Pod Security Standard asks for: https://kubernetes.io/docs/concepts/security/pod-security-standards */
function restricted(): NonNullable<V1Container["securityContext"]> {
  return {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  };
}
