import { expect, test } from "vitest";
import { aJob, aSource } from "#shared/testing/sandbox-world.ts";
import { serializePodTask } from "./pod-task.ts";

test("the largest spec there may be fits into a Secret", () => {
  // A spec has a mebibyte of text, and YAML's aliases make more of it.
  const script = Array.from({ length: 4096 }, (_, line) => `sed -i s/${line * 7919}/x/ file-${line}.txt`).join("\n");
  const job = aJob(
    aSource,
    Array.from({ length: 30 }, () => script),
  );
  expect(JSON.stringify(job).length).toBeGreaterThan(4 << 20);
  expect(serializePodTask({ artifactsUrl: "http://artifacts.test", reusesSteps: true, job }).length).toBeLessThan(
    900 << 10,
  );
});
