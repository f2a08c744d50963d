import { beforeEach, expect, test } from "vitest";
import { decodeChanges } from "#shared/execution/changes.ts";
import { parseTransformResult } from "#shared/execution/transform-result.ts";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import { SandboxUnavailable, type TransformJob } from "#shared/ports/sandbox.ts";
import { aSource } from "#shared/testing/sandbox-world.ts";
import { createMemoryBlobStore } from "./memory-blob-store.ts";
import { createMemorySandbox, type MemorySandbox, type ScriptedOutcome } from "./memory-sandbox.ts";

// The contract of sandboxes is about what real shell scripts do to a real repository. This one runs nothing, so it is held
// here to the rest: what the port says of a transform's life.

let blobs: BlobStore;
let sandbox: MemorySandbox;
let outcome: ScriptedOutcome;
let reports: string[];
beforeEach(() => {
  blobs = createMemoryBlobStore();
  reports = [];
  outcome = [{ path: "a", kind: "write", mode: "100644", content: new TextEncoder().encode("1\n2\n") }];
  sandbox = createMemorySandbox({
    blobs,
    transform: () => outcome,
    treeOf: () => "e".repeat(40),
    reported: async (executionId) => void reports.push(executionId),
  });
});

const job: TransformJob = {
  executionId: "x-1",
  attempt: 1,
  artifactPrefix: "node-24/1/1/x-1/1",
  source: aSource,
  workspace: { path: "", onlyFetch: false },
  campaign: { name: "node-24", description: "" },
  steps: [],
  networks: [],
  limits: { memoryBytes: 1, processes: 1, diskBytes: 1, logBytes: 1, patchBytes: 1 },
};
const result = async () => parseTransformResult(await blobs.get(`${job.artifactPrefix}/result.json`));

test("a transform that was never started is unknown, then it runs, then it is finished and reported", async () => {
  expect(await sandbox.inspect(job)).toMatchObject({ status: "unknown" });
  await sandbox.start(job);
  expect(await sandbox.inspect(job)).toMatchObject({ status: "running" });
  expect(reports).toEqual([]);
  expect(await sandbox.finishAll()).toBe(1);
  expect(await sandbox.inspect(job)).toMatchObject({ status: "finished" });
  expect(reports).toEqual(["x-1"]);
});

test("starting it twice, at once or after its end, runs it once", async () => {
  await Promise.all([sandbox.start(job), sandbox.start(job)]);
  await sandbox.finishAll();
  await sandbox.start(job);
  expect(await sandbox.finishAll()).toBe(0);
  expect([sandbox.started.length, reports]).toEqual([1, ["x-1"]]);
});

test("a cancelled or crashed transform ends without a result or a report, and can be started again", async () => {
  await sandbox.start(job);
  await sandbox.cancel("x-1");
  await sandbox.cancel("x-1");
  expect(await sandbox.inspect(job)).toMatchObject({ status: "unknown" });
  await sandbox.start(job);
  sandbox.crash();
  expect([await sandbox.inspect(job), reports]).toEqual([{ status: "unknown" }, []]);
  await sandbox.start(job);
  await sandbox.finishAll();
  expect(reports).toEqual(["x-1"]);
});

test("changes become a patch with statistics, and can be read back", async () => {
  await sandbox.start(job);
  await sandbox.finishAll();
  const { outcome } = await result();
  expect(outcome).toMatchObject({
    status: "patch",
    tree: "e".repeat(40),
    statistics: { filesChanged: 1, additions: 2 },
  });
  const changes = await blobs.get(`${job.artifactPrefix}/changes.json`);
  expect(decodeChanges(changes)).toMatchObject([{ path: "a", kind: "write", mode: "100644" }]);
});

test("no changes are no change, and a failure says why", async () => {
  outcome = [];
  await sandbox.start(job);
  await sandbox.finishAll();
  expect((await result()).outcome).toEqual({ status: "no-change" });
  outcome = { fails: "exit code 3" };
  const second = { ...job, executionId: "x-2", artifactPrefix: "node-24/1/1/x-2/1" };
  await sandbox.start(second);
  await sandbox.finishAll();
  const failed = parseTransformResult(await blobs.get(`${second.artifactPrefix}/result.json`));
  expect(failed.outcome).toMatchObject({ status: "failed", retryable: false, failure: { message: "exit code 3" } });
});

test("while it is down it says so", async () => {
  sandbox.goDown();
  await expect(sandbox.start(job)).rejects.toThrow(SandboxUnavailable);
  await expect(sandbox.check()).rejects.toThrow(SandboxUnavailable);
  sandbox.comeBack();
  await sandbox.check();
});
