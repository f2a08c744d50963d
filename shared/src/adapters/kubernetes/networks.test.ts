import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { V1NetworkPolicy } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { systemClock } from "#shared/adapters/system/system-clock.ts";
import { parseTransformResult } from "#shared/execution/transform-result.ts";
import { aJob, aSource } from "#shared/testing/sandbox-world.ts";
import type { Cluster } from "./cluster.ts";
import { jobManifest } from "./job-manifest.ts";
import type { JobSettings } from "./job-settings.ts";
import { createKubernetesSandbox } from "./kubernetes-sandbox.ts";

const settings: JobSettings = {
  namespace: "octobatch-jobs",
  image: "octobatch:1",
  artifactsUrl: "http://artifacts.test",
  pod: { cpuRequest: "1", cpuLimit: "1", memoryRequest: "1Gi", workspaceMedium: "disk" },
  networks: {
    npm: { hosts: { "npm.example.com": "10.0.0.7" } },
    other: { hosts: { "other.example.com": "10.0.0.8" } },
  },
  reusesSteps: true,
};
const job = (networks: readonly string[]) => ({ ...aJob(aSource, ["npm install"]), networks });

test("a pod may reach nothing but artifacts unless its spec asks for more", () => {
  const { template } = jobManifest(job([]), settings, "10.0.0.1").spec ?? {};
  expect(Object.keys(template?.metadata?.labels ?? {}).filter((name) => name.startsWith("network."))).toEqual([]);
  expect(template?.spec?.hostAliases).toEqual([{ ip: "10.0.0.1", hostnames: ["artifacts.test"] }]);
});

test("a pod that asks for a network has its label, and knows its hosts by name and no others", () => {
  const { template } = jobManifest(job(["npm"]), settings, "10.0.0.1").spec ?? {};
  expect(template?.metadata?.labels).toMatchObject({ "network.octobatch.dev/npm": "allowed" });
  expect(template?.metadata?.labels).not.toHaveProperty("network.octobatch.dev/other");
  expect(template?.spec?.hostAliases).toEqual([
    { ip: "10.0.0.1", hostnames: ["artifacts.test"] },
    { ip: "10.0.0.7", hostnames: ["npm.example.com"] },
  ]);
  expect(template?.spec?.dnsPolicy).toBe("None");
});

test("the NetworkPolicy that the docs show picks just those pods", async () => {
  const docs = await readFile(fileURLToPath(new URL("../../../../docs/operations.md", import.meta.url)), "utf8");
  const [, yaml = ""] = /```yaml\n(apiVersion: networking[^`]+)```/.exec(docs) ?? [];
  // The docs hold a policy, and the assertions below are what it has to say.
  const policy = parseDocument(yaml).toJS() as V1NetworkPolicy;
  const { template } = jobManifest(job(["npm"]), settings, undefined).spec ?? {};
  expect(policy.metadata?.namespace).toBe(settings.namespace);
  expect(template?.metadata?.labels).toMatchObject(policy.spec?.podSelector?.matchLabels ?? { no: "label" });
  expect(policy.spec?.policyTypes).toEqual(["Egress"]);
  expect(policy.spec?.egress?.[0]?.to).toEqual([{ ipBlock: { cidr: "10.0.0.7/32" } }]);
});

test.each(["registry", "constructor"])(
  "a network that the operator does not allow fails the transform: %s",
  async (name) => {
    const blobs = createMemoryBlobStore();
    const reports: string[] = [];
    const sandbox = createKubernetesSandbox({
      // Nothing is asked of the cluster.
      cluster: {} as Cluster,
      settings,
      blobs,
      tokenKeys: [],
      addressOf: () => Promise.reject(new Error("not asked")),
      reported: async ({ executionId }) => void reports.push(executionId),
      clock: systemClock,
    });
    const wanting = job(["npm", name]);
    await sandbox.start(wanting);
    const result = parseTransformResult(await blobs.get(`${wanting.artifactPrefix}/result.json`));
    expect(result.outcome).toMatchObject({
      status: "failed",
      retryable: false,
      failure: {
        message: expect.stringMatching(new RegExp(`may not reach "${name}": the operator allows npm, other`)),
      },
    });
    expect(reports).toEqual([wanting.executionId]);
  },
);
