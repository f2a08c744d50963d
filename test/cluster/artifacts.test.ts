import { afterEach, beforeEach, expect, test } from "vitest";
import { executionReported } from "#eventing/execution.ts";
import { openCluster } from "#shared/adapters/kubernetes/cluster.ts";
import { createKubernetesSandbox } from "#shared/adapters/kubernetes/kubernetes-sandbox.ts";
import { artifactPrefix } from "#shared/execution/execution.ts";
import { parseTransformResult } from "#shared/execution/transform-result.ts";
import type { Inspection, Sandbox, TransformJob } from "#shared/ports/sandbox.ts";
import { jobTokenKey, openArtifactsWorld, type ArtifactsWorld } from "#shared/testing/artifacts-world.ts";
import { aJob } from "#shared/testing/sandbox-world.ts";
import { openJobNamespace, type JobNamespace } from "./cluster-world.ts";
import { describeOnCluster } from "./describe-on-cluster.ts";

describeOnCluster("Jobs and the artifacts service", (plane) => {
  let world: ArtifactsWorld;
  let jobs: JobNamespace;
  let sandbox: Sandbox;
  beforeEach(async () => {
    world = await openArtifactsWorld();
    jobs = await openJobNamespace(plane());
    sandbox = createKubernetesSandbox({
      cluster: openCluster(jobs.namespace, () => Promise.resolve(plane().admin)),
      settings: jobs.settings(`http://artifacts.test:${world.port}`),
      blobs: world.blobs,
      tokenKeys: [jobTokenKey],
      addressOf: () => Promise.resolve("127.0.0.1"),
      reported: () => Promise.reject(new Error("The artifacts service reports.")),
      clock: world.clock,
    });
  });
  afterEach(async () => {
    await jobs.close();
    await world.close();
  });

  const jobOf = (steps: Parameters<typeof aJob>[1]): TransformJob => {
    const { execution } = world;
    const { id: repositoryId, nodeId: repositoryNodeId, owner, name } = execution.repository;
    const source = { repositoryId, repositoryNodeId, owner, name, branch: "main", commit: execution.baseCommit };
    const prefix = artifactPrefix(execution);
    return { ...aJob(source, steps), executionId: execution.id, attempt: execution.attempt, artifactPrefix: prefix };
  };
  const inspected = async (job: TransformJob, status: Inspection["status"]): Promise<Inspection> => {
    for (;;) {
      const found = await sandbox.inspect(job);
      if (found.status === status) return found;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const finished = (job: TransformJob) => inspected(job, "finished");
  const lost = (job: TransformJob) => inspected(job, "lost");

  test("a Job fetches through it, hands in what came out, and is reported, with GitHub only read", async () => {
    const job = jobOf(["ls; echo new > added.txt", "echo done >&2"]);
    await sandbox.start(job);
    await finished(job);
    const result = parseTransformResult(await world.blobs.get(`${job.artifactPrefix}/result.json`));
    expect(result.outcome).toMatchObject({ status: "patch", statistics: { filesChanged: 1 } });
    expect(result.steps.map(({ status }) => status)).toEqual(["ran", "ran"]);
    const log = Buffer.from(await world.blobs.get(result.steps[1]?.logKey ?? "")).toString("utf8");
    expect(log).toBe("done\n");
    expect(world.gitRequests()).not.toContainEqual(expect.stringContaining("receive-pack"));
    const reports = await world.database.database.knex("tasks").where({ type: executionReported.type });
    expect(reports).toHaveLength(1);
    expect(world.log()).not.toMatch(/"level":"(error|fatal)"/);
  });

  test("what a pinned image did in an earlier attempt is not done again", async () => {
    const first = jobOf([{ run: "echo new > added.txt", image: `alpine@sha256:${"a".repeat(64)}` }]);
    await sandbox.start(first);
    await finished(first);
    const { execution, database } = world;
    await database.database.knex("executions").update({ attempt: 2, status: "running", state: { status: "running" } });
    const second = { ...first, attempt: 2, artifactPrefix: artifactPrefix({ ...execution, attempt: 2 }) };
    await sandbox.start(second);
    await finished(second);
    const [before, after] = await Promise.all(
      [first, second].map(async (job) =>
        parseTransformResult(await world.blobs.get(`${job.artifactPrefix}/result.json`)),
      ),
    );
    expect([before, after].map((result) => result?.steps[0]?.status)).toEqual(["ran", "cached"]);
    expect(after?.outcome).toMatchObject({ status: "patch", statistics: { filesChanged: 1 } });
  });

  test("a Job of an execution that nobody waits for any more is given nothing", async () => {
    const job = jobOf(["echo new > added.txt"]);
    await world.database.database.knex("executions").update({ attempt: 2 });
    await sandbox.start(job);
    expect(await lost(job)).toMatchObject({ because: expect.stringMatching(/container end ended with exit code 1/) });
    expect(await world.blobs.list(`${job.artifactPrefix}/`)).toEqual([]);
    expect(world.gitRequests()).toEqual([]);
  });
});
