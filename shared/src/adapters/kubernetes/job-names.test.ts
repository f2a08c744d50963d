import { expect, test } from "vitest";
import { aJob, aSource } from "#shared/testing/sandbox-world.ts";
import { annotationsOf, jobName, labelsOf } from "./job-names.ts";

const dnsLabel = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const labelValue = /^([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/;

test("an attempt has a name of its own, which says which it is", () => {
  const executionId = `x-${"0a".repeat(16)}`;
  expect(jobName({ executionId, attempt: 2 })).toBe(`${executionId}-2`);
});

test.each(["x".repeat(80), "UPPER", "with space", "-dash", "ünïcode", ""])(
  "%j becomes a name that Kubernetes takes",
  (executionId) => {
    const names = [1, 2].map((attempt) => jobName({ executionId, attempt }));
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(dnsLabel);
  },
);

test.each(["node-24", "a campaign: with words", "é".repeat(70), "-", "long-".repeat(20)])(
  "the campaign %j is a label that Kubernetes takes, and whole in the annotation",
  (name) => {
    const job = { ...aJob(aSource, ["true"]), campaign: { name, description: "" } };
    const label = labelsOf(job)["octobatch.dev/campaign"];
    expect(label).toMatch(labelValue);
    expect(labelsOf({ ...job, campaign: { name: `${name}.`, description: "" } })["octobatch.dev/campaign"]).not.toBe(
      label,
    );
    expect(annotationsOf(job)["octobatch.dev/campaign"]).toBe(name);
  },
);
