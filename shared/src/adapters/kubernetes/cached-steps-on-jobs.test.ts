import { beforeEach, expect, test } from "vitest";
import type { TransformResult } from "#shared/execution/transform-result.ts";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import { aJob, type SandboxWorld } from "#shared/testing/sandbox-world.ts";
import type { ClusterWorld } from "#test/cluster/cluster-world.ts";
import { describeJobs } from "#test/cluster/describe-on-cluster.ts";
import { isPinned } from "./pod/job-step-cache.ts";

const image = `alpine@sha256:${"a".repeat(64)}`;
const other = `alpine@sha256:${"b".repeat(64)}`;

describeJobs("steps of Jobs that ran before", (bench) => {
  let world: SandboxWorld;
  let cluster: ClusterWorld;
  let source: TransformJob["source"];
  beforeEach(async () => {
    ({ world, cluster } = bench());
    source = await world.addRepository(
      "plain",
      "echo one > README.md; mkdir src; echo x > src/x; echo /built > .gitignore",
    );
  });

  async function run(steps: Parameters<typeof aJob>[1]): Promise<TransformResult> {
    const job = aJob(source, steps);
    await cluster.open().start(job);
    await world.report(job.executionId);
    return world.result(job);
  }
  const statuses = (result: TransformResult): string[] => result.steps.map(({ status }) => status);

  test("do not run again where their images are pinned, and come to the same patch with the same logs", async () => {
    const steps = [
      { image, run: "echo two >> README.md; echo said" },
      { image, run: "rm -r src; mkdir built; echo made > built/file" },
      { image, run: "chmod +x README.md; cat built/file" },
    ];
    const first = await run(steps);
    const second = await run(steps);
    expect(statuses(first)).toEqual(["ran", "ran", "ran"]);
    expect(statuses(second)).toEqual(["cached", "cached", "cached"]);
    expect((await world.patch(second)).text).toBe((await world.patch(first)).text);
    expect(await world.log(second, 2)).toBe("made\n");

    const edited = await run([...steps.slice(0, 2), { image, run: "cat built/file; ls" }]);
    expect(statuses(edited)).toEqual(["cached", "cached", "ran"]);
    expect(await world.log(edited, 2)).toBe("made\nREADME.md\nbuilt\n");
    expect(statuses(await run([{ ...steps[0], image: other, run: "echo two >> README.md; echo said" }]))).toEqual([
      "ran",
    ]);
  });

  test("run again from the first one whose image is named by a tag, which may stand for another one now", async () => {
    const steps = [
      { image, run: "echo a >> README.md" },
      { image: "alpine:3", run: "echo b >> README.md" },
      { image, run: "echo c >> README.md" },
    ];
    await run(steps);
    expect(statuses(await run(steps))).toEqual(["cached", "ran", "ran"]);
  });

  test("run again when what is cached cannot be read", async () => {
    const steps = [{ image, run: "echo a >> README.md" }];
    const first = await run(steps);
    cluster.desk.loseCache();
    const second = await run(steps);
    expect(statuses(second)).toEqual(["ran"]);
    expect((await world.patch(second)).text).toBe((await world.patch(first)).text);
  });
});

test.each([
  [image, true],
  [`registry.example:5000/tools/node:22@sha256:${"0".repeat(64)}`, true],
  ["alpine:3", false],
  ["alpine", false],
  [`alpine@sha256:${"a".repeat(63)}`, false],
  [`alpine@sha256:${"a".repeat(64)}-and-more`, false],
])("an image that is pinned names its digest: %s", (name, expected) => {
  expect(isPinned(name)).toBe(expected);
});
