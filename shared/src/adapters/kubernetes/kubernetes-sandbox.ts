import type { V1Job } from "@kubernetes/client-node";
import { mintJobToken } from "#shared/artifacts/job-token.ts";
import { RetryLater } from "#shared/errors.ts";
import { serializeTransformResult, type TransformResult } from "#shared/execution/transform-result.ts";
import { BlobNotFound, type BlobStore } from "#shared/ports/blob-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { SandboxUnavailable, type Inspection, type Sandbox, type TransformJob } from "#shared/ports/sandbox.ts";
import { networkRefused } from "#shared/transform/network-refused.ts";
import { resultOfLoss, resultWithoutSteps, stepsThatMayRun } from "#shared/transform/progress.ts";
import { QuotaExceeded } from "./cluster-errors.ts";
import type { Cluster } from "./cluster.ts";
import { jobManifest, longestLifeMs } from "./job-manifest.ts";
import { executionSelector, jobName, labelNames, labelsOf } from "./job-names.ts";
import type { JobSettings } from "./job-settings.ts";
import { judgeJob } from "./judge-job.ts";
import { secretKeys } from "./pod-layout.ts";
import { serializePodTask } from "./pod/pod-task.ts";
import { missingRights } from "./rights.ts";

export interface KubernetesSandboxOptions {
  readonly cluster: Cluster;
  readonly settings: JobSettings;
  readonly blobs: Pick<BlobStore, "open" | "put">;
  /** What signs the tokens of Jobs, see `mintJobToken`. */
  readonly tokenKeys: readonly Uint8Array[];
  /** The IP address of a name, as this process sees it. */
  readonly addressOf: (hostname: string) => Promise<string>;
  /** Told when a transform has ended without a Job; the artifacts service tells of all others. */
  readonly reported: (job: TransformJob) => Promise<void>;
  readonly clock: Clock;
}

/** A quota is freed by Jobs that end, within minutes. */
const quotaRetryMs = 60_000;
/** How long a cancellation waits for the pods to be gone, and how often it looks. */
const cancelWaitMs = 20_000;
const cancelLookMs = 250;

/**
 * Runs each attempt of an execution as a Kubernetes Job, named by it. The Job hands in its result itself, and the
 * artifacts service reports it; what keeps a Job from doing so is seen by `inspect`, which is asked again and again.
 *
 * Starting is three requests: the Job, suspended; its Secret, owned by the Job; then the Job is let go. Each finds what an
 * earlier start left, so a crash between them is healed by the next start, which `inspect` asks for.
 */
export function createKubernetesSandbox(options: KubernetesSandboxOptions): Sandbox {
  const { cluster, settings, blobs, clock } = options;

  async function isFinished(job: Pick<TransformJob, "artifactPrefix">): Promise<boolean> {
    try {
      await blobs.open(resultKey(job));
      return true;
    } catch (error) {
      if (error instanceof BlobNotFound) return false;
      throw error;
    }
  }

  /** The tokens outlive the Job. Whoever reads them from the Secret can do nothing else with them. */
  async function makeSecret(job: TransformJob, owner: V1Job): Promise<void> {
    const { executionId, attempt } = job;
    const { artifactsUrl, reusesSteps } = settings;
    const expiresAt = new Date(clock.now().getTime() + longestLifeMs(job));
    const token = (direction: "source" | "upload"): string =>
      mintJobToken(options.tokenKeys, { executionId, attempt, direction, expiresAt });
    const name = jobName(job);
    await cluster.createSecret({
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name,
        namespace: settings.namespace,
        labels: { ...labelsOf(job) },
        ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name, uid: owner.metadata?.uid ?? "" }],
      },
      immutable: true,
      data: { [secretKeys.job]: serializePodTask({ artifactsUrl, reusesSteps, job }).toString("base64") },
      stringData: {
        [secretKeys.source]: token("source"),
        [secretKeys.upload]: token("upload"),
      },
    });
  }

  async function start(job: TransformJob): Promise<undefined> {
    if (await isFinished(job)) return;
    const result = resultWithoutJob(job);
    if (result !== undefined) {
      const { stored } = await blobs.put(resultKey(job), serializeTransformResult(result));
      if (stored) await options.reported(job);
      return;
    }
    if (job.attempt > 1)
      await cluster.deleteJobs(`${executionSelector(job.executionId)},${labelNames.attempt}!=${job.attempt}`);
    const made = await cluster.createJob(jobManifest(job, settings, await artifactsAddress()));
    // One that was let go has its Secret.
    if (made.spec?.suspend !== true) return;
    await makeSecret(job, made);
    await cluster.resumeJob(jobName(job));
  }

  function resultWithoutJob(job: TransformJob): TransformResult | undefined {
    const unknown = job.networks.find((name) => !Object.hasOwn(settings.networks, name));
    if (unknown !== undefined) return resultOfLoss(job, networkRefused(unknown, Object.keys(settings.networks)));
    return stepsThatMayRun(job).length === 0 ? resultWithoutSteps(job) : undefined;
  }

  async function artifactsAddress(): Promise<string | undefined> {
    const { hostname } = new URL(settings.artifactsUrl);
    if (/^[\d.]+$|^\[/.test(hostname)) return undefined;
    try {
      return await options.addressOf(hostname);
    } catch (cause) {
      const message = `The artifacts service ${hostname} has no address here. Is it deployed, and is its URL right?`;
      throw new SandboxUnavailable(message, { cause });
    }
  }

  async function inspect(job: Pick<TransformJob, "executionId" | "attempt" | "artifactPrefix">): Promise<Inspection> {
    if (await isFinished(job)) return { status: "finished" };
    const found = await cluster.readJob(jobName(job));
    // Without its Secret it cannot run, and whoever starts it again makes that.
    if (found === undefined || found.spec?.suspend === true) return { status: "unknown" };
    const pods = await cluster.listPods(`batch.kubernetes.io/job-name=${jobName(job)}`);
    const uid = found.metadata?.uid;
    const events = pods.length > 0 || uid === undefined ? [] : await cluster.eventsAbout(uid);
    const judgement = judgeJob({ job: found, pods, events, now: clock.now() });
    // It may have handed in its result and ended since we looked.
    if (judgement.status === "lost" && (await isFinished(job))) return { status: "finished" };
    return judgement;
  }

  async function cancel(executionId: string): Promise<void> {
    const selector = executionSelector(executionId);
    await cluster.deleteJobs(selector);
    await cluster.deletePods(selector);
    for (let waitedMs = 0; (await cluster.listPods(selector)).length > 0; waitedMs += cancelLookMs) {
      if (waitedMs >= cancelWaitMs) {
        throw new SandboxUnavailable(
          `A pod of ${executionId} does not end; its node may be gone. It is looked at again.`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, cancelLookMs));
    }
  }

  return {
    async start(job) {
      try {
        await start(job);
      } catch (error) {
        if (!(error instanceof QuotaExceeded)) throw error;
        throw new RetryLater(new Date(clock.now().getTime() + quotaRetryMs), error.message, { cause: error });
      }
    },
    inspect,
    cancel,
    async check() {
      const missing = await missingRights(cluster);
      if (missing.length === 0) return;
      const message = `This service account may not ${missing.join(", ")} in the namespace ${settings.namespace}. Give it the Role in knative/: see knative/README.md.`;
      throw new SandboxUnavailable(message);
    },
  };
}

function resultKey(job: Pick<TransformJob, "artifactPrefix">): string {
  return `${job.artifactPrefix}/result.json`;
}
