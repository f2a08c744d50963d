import type { CoreV1Event, V1Job, V1Pod } from "@kubernetes/client-node";
import type { Inspection, Loss } from "#shared/ports/sandbox.ts";
import { longestWaitMs } from "./job-manifest.ts";
import { judgePod, lost } from "./judge-pod.ts";

/** The controller makes a pod within moments; what it says about why it cannot is looked at after this time. */
const podComesWithinMs = 10_000;

/**
 * What became of a Job that was let go and has left no result, from what the cluster shows of it at this moment.
 *
 * @param events What the cluster had to say about the Job, the latest last; needed only while it has no pod.
 */
export function judgeJob(seen: {
  readonly job: V1Job;
  readonly pods: readonly V1Pod[];
  readonly events: readonly CoreV1Event[];
  readonly now: Date;
}): Inspection {
  const { job, pods, events, now } = seen;
  const pod = pods.toSorted((a, b) => madeAt(a) - madeAt(b)).at(-1);
  const failure = job.status?.conditions?.find(
    ({ type, status }) => (type === "Failed" || type === "FailureTarget") && status === "True",
  );
  const ofPod: Inspection = pod === undefined ? { status: "running" } : judgePod(pod, now);
  if (ofPod.status === "lost") return ofPod;
  if (failure?.reason === "DeadlineExceeded") return tooLong(ofPod);
  if (failure !== undefined) {
    const message = failure.message === undefined ? "" : ` (${failure.message})`;
    return lost(`Its pod was deleted or is gone with its node${message}.`, true);
  }
  const isComplete = job.status?.conditions?.some(({ type, status }) => type === "Complete" && status === "True");
  if (isComplete === true) return lost("Its Job ended without handing in a result.", true);
  if (job.metadata?.deletionTimestamp !== undefined) return lost("Its Job was deleted.", true);
  if (pod !== undefined) return ofPod;
  return withoutPod(job, events, now);
}

function tooLong(ofPod: Inspection): Inspection & Loss {
  const waitedFor =
    ofPod.status === "running" && ofPod.waitingFor !== undefined ? ` It waited: ${ofPod.waitingFor}` : "";
  return lost(
    `Its Job took longer than it may.${waitedFor} Give steps shorter timeouts, or the cluster more room.`,
    true,
  );
}

/** The controller tells why it cannot make the pod, and tries again by itself. */
function withoutPod(job: V1Job, events: readonly CoreV1Event[], now: Date): Inspection {
  const said = events.findLast(({ reason }) => reason === "FailedCreate")?.message;
  const waitedMs = now.getTime() - (job.status?.startTime ?? now).getTime();
  if (said === undefined || waitedMs < podComesWithinMs) return { status: "running", waitingFor: said };
  if (said.includes("exceeded quota")) return { status: "running", waitingFor: `the quota is used up: ${said}` };
  if (/is forbidden|denied the request|denied request|is invalid/.test(said)) {
    return lost(`The cluster refuses its pod: ${said}. Ask whoever runs the cluster.`, false);
  }
  if (waitedMs >= longestWaitMs) return lost(`The cluster did not make its pod: ${said}.`, true);
  return { status: "running", waitingFor: said };
}

function madeAt(pod: V1Pod): number {
  return pod.metadata?.creationTimestamp?.getTime() ?? 0;
}
