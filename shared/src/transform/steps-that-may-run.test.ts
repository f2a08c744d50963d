import { expect, test } from "vitest";
import { aJob, aSource } from "#shared/testing/sandbox-world.ts";
import { resultWithoutSteps, stepsThatMayRun } from "./progress.ts";

const job = (...conditions: (string | undefined)[]) =>
  aJob(
    aSource,
    conditions.map((each) => ({ run: "true", if: each })),
  );

test.each([
  ["no condition", [undefined, undefined], [0, 1]],
  ["what is known beforehand", ["${{ repository.name }}", "${{ campaign.name }}", "true"], [2]],
  ["nothing", [undefined, "false", "true"], [0, 2]],
  ["files that cannot have changed yet", ["${{ steps.added_files }}", "${{ steps.added_files }}"], []],
  ["what an earlier step may come to", [undefined, "${{ previous_step.stdout }}", "${{ repository.name }}"], [0, 1, 2]],
  ["a wrong template, which is for whoever runs the step", ["${{ no.such }}"], [0]],
])("a condition that reads %s: %j leaves the steps %j", (_, conditions, may) => {
  expect(stepsThatMayRun(job(...conditions))).toEqual(may);
});

test("a transform without a step that may run has changed nothing", () => {
  const result = resultWithoutSteps(job("false", "false"));
  expect(result.outcome).toEqual({ status: "no-change" });
  expect(result.steps.map(({ status }) => status)).toEqual(["skipped", "skipped"]);
});
