import type { V1ContainerStatus, V1Pod, V1PodStatus } from "@kubernetes/client-node";
import type { Inspection, Loss } from "#shared/ports/sandbox.ts";
import { longestWaitMs } from "./job-manifest.ts";
import { containerNames } from "./pod-layout.ts";

/** Registries have bad moments: an image that cannot be pulled for so long counts as one that never can. */
const pullGraceMs = 3 * 60_000;
/** A pod that is being deleted for so long, its two seconds of grace included, is on a node that does not answer. */
const deletionGraceMs = 2 * 60_000;

/** Waiting for these has no end until somebody changes the spec or the cluster. */
const hopeless = new Set(["InvalidImageName", "ErrImageNeverPull"]);
const pulling = new Set(["ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable"]);
const making = new Set(["CreateContainerConfigError", "CreateContainerError", "RunContainerError"]);

export function lost(
  because: string,
  retryable: boolean,
  more: Partial<Pick<Loss, "kind" | "step">> = {},
): Inspection & Loss {
  return { status: "lost", kind: "infrastructure", because, retryable, ...more };
}

/** What a pod without a result comes to, and why, in words for people. */
export function judgePod(pod: V1Pod, now: Date): Inspection {
  const loss = ended(pod) ?? beingDeleted(pod, now);
  return loss ?? waiting(pod, now) ?? { status: "running" };
}

/** The pod has failed, or one of its containers has, which is the same a moment later. */
function ended(pod: V1Pod): (Inspection & Loss) | undefined {
  const { status } = pod;
  // Why the pod was ended comes before how its containers took it.
  const ofPod = status?.phase === "Failed" ? podLoss(status) : undefined;
  if (ofPod !== undefined) return ofPod;
  // The container beside the steps is ended with its pod, and started again when it ends by itself.
  const causes = containersOf(pod).filter(({ name }) => name !== containerNames.conduct);
  const ofContainer = causes.map(containerLoss).find((loss) => loss !== undefined);
  if (ofContainer !== undefined || status?.phase !== "Failed") return ofContainer;
  const named = status.reason === undefined ? "" : ` (${status.reason})`;
  return lost(`Its pod failed${named}${saidBy(status.message) || " without saying why"}.`, true);
}

function podLoss({ reason = "", message, conditions = [] }: V1PodStatus): (Inspection & Loss) | undefined {
  switch (reason) {
    case "Evicted":
      return evicted(message ?? "");
    case "DeadlineExceeded":
      return lost("Its Job took longer than all its steps may take together. Give them shorter timeouts.", false);
    case "Preempted":
    case "Preempting":
      return lost(`Its pod made room for a more important one${saidBy(message)}.`, true);
    case "NodeLost":
    case "NodeShutdown":
    case "Shutdown":
    case "Terminated":
      return lost(`The node of its pod is gone${saidBy(message)}.`, true);
  }
  const disruption = conditions.find(({ type, status }) => type === "DisruptionTarget" && status === "True");
  return disruption === undefined ? undefined : disrupted(disruption.reason ?? "", disruption.message ?? "");
}

/** The kubelet evicts a pod whose volumes are over their limits, which is the step's doing, and when its node is short. */
function evicted(message: string): Inspection & Loss {
  if (/usage of emptydir volume|ephemeral local storage usage exceeds|exceeds? .*storage limit/i.test(message)) {
    return lost(`The steps used up their disk: ${message} Use less, or raise the limit.`, false, { kind: "limit" });
  }
  return lost(`Its pod was evicted: ${message || "its node was short of something"}`, true);
}

/** https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions */
function disrupted(reason: string, message: string): Inspection & Loss {
  const said = message === "" ? "" : ` (${message})`;
  if (reason === "PreemptionByScheduler") return lost(`Its pod made room for a more important one${said}.`, true);
  if (reason === "DeletionByTaintManager" || reason === "DeletionByPodGC") {
    return lost(`The node of its pod is gone${said}.`, true);
  }
  return lost(`Its pod was evicted${said}.`, true);
}

function beingDeleted(pod: V1Pod, now: Date): (Inspection & Loss) | undefined {
  const since = pod.metadata?.deletionTimestamp;
  if (since === undefined) return undefined;
  const disruption = pod.status?.conditions?.find(
    ({ type, status }) => type === "DisruptionTarget" && status === "True",
  );
  if (now.getTime() - since.getTime() < deletionGraceMs) return undefined;
  return disruption === undefined
    ? lost("Its pod was deleted, and its node does not answer.", true)
    : disrupted(disruption.reason ?? "", disruption.message ?? "");
}

/** A container whose end ends the pod. Steps always exit 0 of themselves, see `stepCommand`. */
function containerLoss({ name, image, state }: V1ContainerStatus): (Inspection & Loss) | undefined {
  const end = state?.terminated;
  if (end === undefined || end.exitCode === 0) return undefined;
  const step = stepOf(name);
  if (step === undefined) {
    if (end.reason === "OOMKilled") return lost(`Our own container ${name} ran out of memory.`, true);
    return lost(`Our own container ${name} ended with exit code ${end.exitCode}${saidBy(end.message)}.`, true);
  }
  const label = `Step ${step + 1}`;
  if (end.reason === "OOMKilled") {
    return lost(`${label} used up its memory. Use less, or raise the limit.`, false, { kind: "limit", step });
  }
  if (
    end.reason === "StartError" ||
    end.reason === "ContainerCannotRun" ||
    end.exitCode === 126 ||
    end.exitCode === 127
  ) {
    const message = `${label} could not be started in the image ${image}${saidBy(end.message)}. An image for steps needs \`sh\`.`;
    return lost(message, false, { step });
  }
  return lost(
    `The container of ${label.toLowerCase()} ended with exit code ${end.exitCode}${saidBy(end.message)}.`,
    true,
    { step },
  );
}

/** Why a pod does not get on, and when that has lasted too long. */
function waiting(pod: V1Pod, now: Date): Inspection | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") {
    const because = scheduled.message ?? scheduled.reason ?? "the scheduler does not say why";
    const since = scheduled.lastTransitionTime ?? pod.metadata?.creationTimestamp ?? now;
    if (now.getTime() - since.getTime() < longestWaitMs)
      return { status: "running", waitingFor: `no node takes its pod: ${because}` };
    return lost(`No node took its pod for ${longestWaitMs / 60_000} minutes: ${because}`, true);
  }
  const container = containersOf(pod).find(({ state }) => isStuck(state?.waiting?.reason));
  const stuck = container?.state?.waiting;
  if (container === undefined || stuck?.reason === undefined) return undefined;
  const step = stepOf(container.name);
  const said = stuck.message ?? stuck.reason;
  const what = making.has(stuck.reason)
    ? `the container ${container.name} cannot be made: ${said}`
    : `the image ${container.image} cannot be pulled: ${said}`;
  const waitedMs = now.getTime() - waitsSince(pod, now);
  if (!hopeless.has(stuck.reason) && waitedMs < pullGraceMs) return { status: "running", waitingFor: what };
  return lost(`${what.charAt(0).toUpperCase()}${what.slice(1)}`, false, step === undefined ? {} : { step });
}

function isStuck(reason: string | undefined): boolean {
  return reason !== undefined && (hopeless.has(reason) || pulling.has(reason) || making.has(reason));
}

/** Containers come one after another: the next waits since the one before it ended, or since the node took the pod. */
function waitsSince(pod: V1Pod, now: Date): number {
  const ends = containersOf(pod).flatMap(
    ({ state }) => state?.terminated?.finishedAt ?? state?.running?.startedAt ?? [],
  );
  const last = ends.toSorted((a, b) => b.getTime() - a.getTime())[0];
  return (last ?? pod.status?.startTime ?? now).getTime();
}

function containersOf(pod: V1Pod): readonly V1ContainerStatus[] {
  return [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
}

function stepOf(container: string): number | undefined {
  const [, index] = /^step-(\d+)$/.exec(container) ?? [];
  return index === undefined ? undefined : Number(index);
}

function saidBy(message: string | undefined): string {
  return message === undefined || message.trim() === "" ? "" : `: ${message.trim().slice(0, 300)}`;
}
