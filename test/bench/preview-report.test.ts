import { expect, test } from "vitest";
import type { TransformResult } from "#shared/execution/transform-result.ts";
import type { Measurement, PreviewBench } from "./preview-bench.ts";
import { nextLookMs, stepsRun } from "./preview-campaign.ts";
import { brokenPreviewPromises, previewResult, previewTable } from "./preview-report.ts";

const took = (...seconds: readonly number[]): readonly Measurement[] =>
  seconds.map((each) => ({
    seconds: each,
    fetchedBytes: 2_000,
    timings: { fetchMs: 100 * each, stepsMs: 200 * each, diffMs: 300 * each },
  }));

const bench: PreviewBench = {
  repositories: 10,
  roundTripMs: 0,
  rounds: [
    { concurrency: 1, clone: took(4, 5, 6), cold: took(8, 9, 10), warm: took(2, 3, 1) },
    { concurrency: 2, clone: took(3, 9, 2), cold: took(6, 7, 5), warm: took(4, 4, 4) },
  ],
  editedTextSteps: 0,
  editedLastStepSteps: 10,
};

test("the seconds are medians, all at the concurrency at which clones were quickest", () => {
  expect(previewResult(bench)).toEqual({
    repositories: 10,
    cloneSeconds: 3,
    coldSeconds: 6,
    warmSeconds: 4,
    editedTextSteps: 0,
    editedLastStepSteps: 10,
  });
});

test("shares are of the time that the executions took", () => {
  const line = previewTable(bench)
    .split("\n")
    .find((row) => /cold +2 /.test(row));
  expect(line?.split(/ {2,}/)).toEqual(["preview, cold", "2", "6.00", "2.00", "600", "17 %", "33 %", "50 %", "2"]);
});

test("a step that was cached, skipped or not reached did not run", () => {
  const step = { index: 0, durationMs: 0, logTruncated: false, outputs: {} };
  const statuses = ["ran", "skipped", "failed", "timed-out", "not-reached"] as const;
  const result: TransformResult = {
    version: 1,
    executionId: "x",
    outcome: { status: "no-change" },
    steps: statuses.map((status) => ({ ...step, status })),
    timings: { fetchMs: 0, stepsMs: 0, diffMs: 0 },
  };
  expect(stepsRun([result, result])).toBe(6);
});

test("looks come often only when little is left", () => {
  expect(nextLookMs(50, undefined)).toBe(100);
  expect(nextLookMs(1000, { selected: 100, pending: 45, running: 5 })).toBe(300);
  expect(nextLookMs(60_000, { selected: 100, pending: 88, running: 2 })).toBe(1000);
  expect(nextLookMs(2000, { selected: 100, pending: 0, running: 1 })).toBe(20);
});

test("steps that ran for nothing break a promise, and so do fewer than have to run", () => {
  expect(brokenPreviewPromises(previewResult(bench))).toEqual([]);
  const broken = { ...bench, editedTextSteps: 1, editedLastStepSteps: 9 };
  expect(brokenPreviewPromises(previewResult(broken))).toHaveLength(2);
});
