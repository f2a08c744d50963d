import { expect, test } from "vitest";
import { anExecution, noon } from "#shared/testing/builders.ts";
import { admitJob, matchGrant, type JobErrand } from "./admit-job.ts";

const errand: JobErrand = { executionId: "x-1", attempt: 1, direction: "source" };

test.each<[Partial<JobErrand>, string]>([
  [{ executionId: "x-2" }, "the token is for another execution"],
  [{ attempt: 2 }, "the token is for attempt 2"],
  [{ direction: "upload" }, "the token is for upload alone"],
])("a token for %o opens nothing else", (other, because) => {
  const grant = { ...errand, ...other, expiresAt: noon };
  expect(matchGrant(grant, errand)).toEqual({ kind: "forbid", because });
  expect(matchGrant({ ...errand, expiresAt: noon }, errand)).toEqual({ kind: "admit" });
});

test("a Job is let in while its execution waits for it, whether the note that it was started came already or not", () => {
  expect(admitJob(anExecution({ state: { status: "pending" } }), errand)).toEqual({ kind: "admit" });
  expect(admitJob(anExecution({ state: { status: "running" } }), errand)).toEqual({ kind: "admit" });
});

test.each([
  ["was killed", anExecution({ state: { status: "cancelled", because: "killed" } }), "it has ended: cancelled"],
  ["has ended", anExecution({ state: { status: "no-change" } }), "it has ended: no-change"],
  ["was asked for again", anExecution({ attempt: 2 }), "attempt 2 has taken its place"],
  ["is not there", undefined, "there is no such execution any more"],
])("one whose execution %s is told that nobody waits", (_, execution, because) => {
  expect(admitJob(execution, errand)).toEqual({ kind: "gone", because });
});
