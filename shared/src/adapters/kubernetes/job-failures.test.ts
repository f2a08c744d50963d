import { beforeEach, expect, test } from "vitest";
import { createManualClock } from "#shared/adapters/memory/manual-clock.ts";
import type { Inspection, Sandbox, TransformJob } from "#shared/ports/sandbox.ts";
import { aJob, type SandboxWorld } from "#shared/testing/sandbox-world.ts";
import type { ClusterWorld } from "#test/cluster/cluster-world.ts";
import { describeJobs } from "#test/cluster/describe-on-cluster.ts";

describeJobs("a Job that goes wrong", (bench) => {
  let world: SandboxWorld;
  let cluster: ClusterWorld;
  let sandbox: Sandbox;
  let source: TransformJob["source"];
  beforeEach(async () => {
    ({ world, cluster } = bench());
    source = await world.addRepository("plain", "echo one > README.md");
    sandbox = cluster.open();
  });

  /** As execute-transform does, but without its minute between two looks. */
  async function inspected(job: TransformJob, isIt: (found: Inspection) => boolean): Promise<Inspection> {
    for (;;) {
      const found = await sandbox.inspect(job);
      if (isIt(found)) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  const lost = (job: TransformJob) => inspected(job, ({ status }) => status === "lost");
  const running = async (job: TransformJob, container: string): Promise<string> => {
    for (;;) {
      const { items } = await cluster.core.listNamespacedPod({ namespace: cluster.namespace });
      const pod = items.find(({ metadata }) => metadata?.labels?.["octobatch.dev/execution"] === job.executionId);
      const statuses = pod?.status?.initContainerStatuses ?? [];
      const name = pod?.metadata?.name;
      if (name !== undefined && statuses.some((status) => status.name === container && status.state?.running))
        return name;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  /** The first step has, as those who watch can see. */
  const hasBegun = async ({ executionId }: TransformJob): Promise<void> => {
    while (!cluster.desk.live.has(`${executionId}/0`)) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const phaseIs = async (pod: string, phase: string): Promise<void> => {
    for (;;) {
      const { status } = await cluster.core.readNamespacedPod({ namespace: cluster.namespace, name: pod });
      if (status?.phase === phase) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  /** Looks at it as if so much time had passed. */
  const later = (ms: number, job: TransformJob): Promise<Inspection> =>
    cluster.open({ clock: createManualClock(new Date(Date.now() + ms)) }).inspect(job);

  test("an image that cannot be pulled is waited for, and then named", async () => {
    cluster.node.break("step-0", { waiting: { reason: "ImagePullBackOff", message: "no such image" } });
    const job = aJob(source, [{ run: "true", image: "alpine:absent" }]);
    await sandbox.start(job);
    const waits = await inspected(job, (found) => found.status === "running" && found.waitingFor !== undefined);
    expect(waits).toMatchObject({ waitingFor: "the image alpine:absent cannot be pulled: no such image" });
    expect(await later(4 * 60_000, job)).toMatchObject({
      status: "lost",
      step: 0,
      because: expect.stringContaining("alpine:absent cannot be pulled"),
      retryable: false,
    });
  });

  test.each([
    ["InvalidImageName", "cannot be pulled"],
    ["CreateContainerConfigError", "cannot be made"],
  ])("%s is named", async (reason, words) => {
    cluster.node.break("step-0", { waiting: { reason, message: "that is wrong" } });
    const job = aJob(source, ["true"]);
    await sandbox.start(job);
    await inspected(
      job,
      (found) => found.status === "lost" || (found.status === "running" && found.waitingFor !== undefined),
    );
    expect(await later(4 * 60_000, job)).toMatchObject({
      because: expect.stringMatching(new RegExp(`${words}: that is wrong`)),
      retryable: false,
    });
  });

  test("an image without a shell is named", async () => {
    const message = 'exec: "sh": executable file not found in $PATH';
    cluster.node.break("step-0", { terminated: { exitCode: 128, reason: "StartError", message } });
    const job = aJob(source, ["true"]);
    await sandbox.start(job);
    expect(await lost(job)).toMatchObject({ step: 0, because: expect.stringMatching(/needs `sh`/), retryable: false });
  });

  test("a step that the kernel ends for want of memory is a verdict on the step", async () => {
    const job = aJob(source, ["sleep 600"]);
    await sandbox.start(job);
    const pod = await running(job, "step-0");
    // Of a container that is only being started, what is started a moment later would live on.
    await hasBegun(job);
    cluster.node.killContainer(pod, "step-0", { reason: "OOMKilled", exitCode: 137 });
    expect(await lost(job)).toMatchObject({ kind: "limit", step: 0, retryable: false });
    expect(world.reports).toEqual([]);
  });

  test("a step that writes where its shell says how it ended has failed, with the reason", async () => {
    const job = aJob(source, ["echo x >/run/octobatch/told"]);
    await sandbox.start(job);
    await world.report(job.executionId);
    const { outcome, steps } = await world.result(job);
    const message = expect.stringMatching(/Leave \/run\/octobatch alone/);
    expect(outcome).toMatchObject({ status: "failed", failure: { kind: "step-failed", step: 0, message } });
    expect(steps[0]).toMatchObject({ status: "failed", exitCode: 1 });
  });

  test("a step whose container ends well, but without a word, has failed", async () => {
    const job = aJob(source, ["sleep 600"]);
    await sandbox.start(job);
    const pod = await running(job, "step-0");
    await hasBegun(job);
    cluster.node.killContainer(pod, "step-0", { reason: "Completed", exitCode: 0 });
    await world.report(job.executionId);
    const message = expect.stringMatching(/how it ended is not known/);
    const failed = { status: "failed", failure: { kind: "step-failed", step: 0, message } };
    expect((await world.result(job)).outcome).toMatchObject(failed);
  });

  test("our own container that runs out of memory is tried again", async () => {
    cluster.node.break("checkout", { terminated: { exitCode: 137, reason: "OOMKilled" } });
    const job = aJob(source, ["true"]);
    await sandbox.start(job);
    expect(await lost(job)).toMatchObject({
      because: expect.stringMatching(/checkout ran out of memory/),
      retryable: true,
    });
  });

  test("when the container beside the steps dies, the attempt ends with a result that says so", async () => {
    const job = aJob(source, ["sleep 600"]);
    await sandbox.start(job);
    const pod = await running(job, "step-0");
    await hasBegun(job);
    cluster.node.killContainer(pod, "conduct", { reason: "OOMKilled", exitCode: 137 });
    await world.report(job.executionId);
    const { outcome } = await world.result(job);
    expect(outcome).toMatchObject({ status: "failed", retryable: true, failure: { kind: "infrastructure" } });
    // Nothing holds the pod any longer.
    await phaseIs(pod, "Succeeded");
  });

  test.each([
    [
      { reason: "Evicted", message: "The node was low on resource: memory." },
      /evicted.*low on resource/,
      true,
      "infrastructure",
    ],
    [
      { reason: "Evicted", message: 'Usage of EmptyDir volume "work" exceeds the limit "64Mi".' },
      /used up their disk/,
      false,
      "limit",
    ],
    [{ reason: "NodeLost", message: "Node node-1 is gone" }, /node of its pod is gone/, true, "infrastructure"],
    [{ reason: "DeadlineExceeded" }, /longer than all its steps/, false, "infrastructure"],
  ])("a pod that ended for %j is judged", async (status, because, retryable, kind) => {
    const job = aJob(source, ["sleep 600"]);
    await sandbox.start(job);
    await cluster.node.endPod(await running(job, "step-0"), { phase: "Failed", ...status });
    expect(await lost(job)).toMatchObject({ because: expect.stringMatching(because), retryable, kind });
  });

  test("a pod that made room for another is tried again", async () => {
    const job = aJob(source, ["sleep 600"]);
    await sandbox.start(job);
    const condition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "PreemptionByScheduler",
      message: "preempted",
    };
    const status = { phase: "Failed", conditions: [condition] };
    await cluster.node.endPod(await running(job, "step-0"), status);
    expect(await lost(job)).toMatchObject({ because: expect.stringMatching(/more important/), retryable: true });
  });

  test("a pod that no node takes says why, and is given up after an hour", async () => {
    cluster.node.refuse("0/3 nodes are available: 3 Insufficient memory.");
    const job = aJob(source, ["true"]);
    await sandbox.start(job);
    const waits = await inspected(job, (found) => found.status === "running" && found.waitingFor !== undefined);
    expect(waits).toMatchObject({ waitingFor: expect.stringContaining("3 Insufficient memory") });
    expect(await later(61 * 60_000, job)).toMatchObject({ status: "lost", retryable: true });
    cluster.node.refuse(undefined);
    await world.report(job.executionId);
  });

  test("a pod on a node that is gone is given up when it was deleted and does not go", async () => {
    const job = aJob(source, ["sleep 600"]);
    await sandbox.start(job);
    const name = await running(job, "step-0");
    await cluster.node.vanish();
    await cluster.core.deleteNamespacedPod({ namespace: cluster.namespace, name });
    expect(await later(5 * 60_000, job)).toMatchObject({ status: "lost", retryable: true });
  });

  test("a pod that somebody deleted is tried again", async () => {
    const job = aJob(source, ["sleep 600"]);
    await sandbox.start(job);
    const name = await running(job, "step-0");
    await cluster.core.deleteNamespacedPod({ namespace: cluster.namespace, name });
    expect(await lost(job)).toMatchObject({ because: expect.stringMatching(/deleted/), retryable: true });
  });

  test("a Job that somebody deleted can be started again", async () => {
    const job = aJob(source, ["sleep 600"]);
    await sandbox.start(job);
    const name = `${job.executionId}-1`;
    await cluster.batch.deleteNamespacedJob({ namespace: cluster.namespace, name, propagationPolicy: "Background" });
    expect(await sandbox.inspect(job)).toEqual({ status: "unknown" });
    await sandbox.start({ ...job, steps: aJob(source, ["true"]).steps });
    await world.report(job.executionId);
  });

  test("pods that the namespace refuses are named", async () => {
    await cluster.core.createNamespacedResourceQuota({
      namespace: cluster.namespace,
      body: { metadata: { name: "none" }, spec: { hard: { "requests.memory": "1Mi" } } },
    });
    await quotaCounts(cluster);
    const job = aJob(source, ["true"]);
    await sandbox.start(job);
    const waits = await inspected(job, (found) => found.status === "running" && found.waitingFor !== undefined);
    expect(waits).toMatchObject({ waitingFor: expect.stringMatching(/exceeded quota/) });
  });

  test("a Job for which there is no room in the quota is asked for later", async () => {
    await cluster.core.createNamespacedResourceQuota({
      namespace: cluster.namespace,
      body: { metadata: { name: "none" }, spec: { hard: { "count/jobs.batch": "0" } } },
    });
    await quotaCounts(cluster);
    await expect(sandbox.start(aJob(source, ["true"]))).rejects.toMatchObject({ name: "RetryLater" });
  });
});

/** A quota is kept once its controller has counted what is there. */
async function quotaCounts({ core, namespace }: ClusterWorld): Promise<void> {
  for (;;) {
    const { status } = await core.readNamespacedResourceQuotaStatus({ namespace, name: "none" });
    if (status?.hard !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
