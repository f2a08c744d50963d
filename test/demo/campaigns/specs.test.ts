import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseSpec } from "#shared/spec/parse-spec.ts";

describe("the specs of the demo", () => {
  it.each([
    { name: "license-and-security", steps: 2, sources: 1, pullRequestsPerDay: 7 },
    { name: "substr-to-slice", steps: 1, sources: 2, pullRequestsPerDay: 7 },
    { name: "deliberate-failures", steps: 4, sources: 9, pullRequestsPerDay: undefined },
  ])("$name is one that the product accepts", async ({ name, steps, sources, pullRequestsPerDay }) => {
    const file = fileURLToPath(new URL(`${name}.yaml`, import.meta.url));
    const { spec } = parseSpec(await readFile(file, "utf8"), { source: file });
    expect(spec).toMatchObject({ name, policies: { drift: "needs-human" } });
    expect(spec.steps).toHaveLength(steps);
    expect(spec.on).toHaveLength(sources);
    expect(spec.policies.throttle.pullRequestsPerDay).toBe(pullRequestsPerDay);
  });
});
