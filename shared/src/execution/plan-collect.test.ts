import { describe, expect, test } from "vitest";
import { advance } from "#shared/lifecycle.ts";
import { aPatch, anExecution } from "#shared/testing/builders.ts";
import { executionLifecycle } from "./execution.ts";
import { artifactsOf, planCollect, resultKey } from "./plan-collect.ts";
import type { TransformOutcome, TransformResult } from "./transform-result.ts";

const running = anExecution({ state: { status: "running" } });

function result(outcome: TransformOutcome): TransformResult {
  const step = { index: 0, status: "ran", durationMs: 1, logKey: "log-0", logTruncated: false, outputs: {} } as const;
  const skipped = { index: 1, status: "skipped", durationMs: 0, logTruncated: false, outputs: {} } as const;
  const timings = { fetchMs: 1, stepsMs: 1, diffMs: 1 };
  return { version: 1, executionId: "x-1", outcome, steps: [step, skipped], timings };
}

const patched = result({
  status: "patch",
  patch: { key: "patch", sizeBytes: 10 },
  changes: { key: "changes" },
  tree: aPatch.tree,
  baseTree: "e".repeat(40),
  statistics: { files: [], ...aPatch.statistics },
});
const unchanged = result({ status: "no-change" });
const failed = (retryable: boolean) =>
  result({
    status: "failed",
    failure: { kind: retryable ? "infrastructure" : "step-failed", message: "It broke." },
    retryable,
  });

describe("collecting a result", () => {
  test("ends the execution with what came out", () => {
    expect(planCollect(running, patched)).toEqual({ kind: "end", execution: { ...running, state: aPatch } });
    expect(planCollect(running, unchanged)).toMatchObject({
      kind: "end",
      execution: { state: { status: "no-change" } },
    });
  });

  test("ends one whose report overtook the note that it was started", () => {
    expect(planCollect(anExecution(), unchanged)).toMatchObject({ kind: "end" });
  });

  test.each([{ status: "no-change" }, aPatch, { status: "cancelled", because: "killed" }] as const)(
    "leaves one that has ended as $status",
    (state) => {
      expect(planCollect(anExecution({ state }), patched)).toEqual({
        kind: "leave",
        because: `it has ended: ${state.status}`,
      });
    },
  );

  test.each([1, 7])(
    "tries again what the infrastructure let down, three times in all from attempt %i on",
    (attempt) => {
      const attempts: number[] = [];
      let plan = planCollect({ ...running, attempt }, failed(true));
      while (plan.kind === "again" && attempts.length < 9) {
        attempts.push(plan.execution.attempt);
        expect(plan).toMatchObject({ because: "It broke.", execution: { state: { status: "pending" } } });
        const state = advance(executionLifecycle, plan.execution.state, { fact: "started" });
        if (state === undefined) throw new Error("It cannot be started.");
        plan = planCollect({ ...plan.execution, state }, failed(true));
      }
      expect(attempts).toEqual([attempt + 1, attempt + 2]);
      expect(plan).toMatchObject({
        kind: "end",
        execution: { attempt: attempt + 2, state: { status: "failed", because: "It broke." } },
      });
    },
  );

  test("forgets how often it was tried when it is asked for again", () => {
    const worn = anExecution({ state: { status: "pending", retries: 2 } });
    const plan = planCollect(worn, failed(true));
    if (plan.kind !== "end") throw new Error("It was not given up.");
    const asked = advance(executionLifecycle, plan.execution.state, { fact: "asked-again" });
    expect(asked).toEqual({ status: "pending" });
  });

  test("never tries a failed step again by itself", () => {
    expect(planCollect(running, failed(false))).toMatchObject({
      kind: "end",
      execution: { state: { status: "failed" } },
    });
  });
});

test("the artifacts of a result are its logs, and its patch and changes when there are any", () => {
  const log = { key: "log-0", executionId: "x-1", kind: "log" };
  expect(artifactsOf(running, unchanged)).toEqual([log]);
  expect(artifactsOf(running, patched)).toEqual([
    log,
    { key: "patch", executionId: "x-1", kind: "patch" },
    { key: "changes", executionId: "x-1", kind: "changes" },
  ]);
});

test("each attempt has a result of its own", () => {
  expect(resultKey(running)).toBe("tidy/1/1/x-1/1/result.json");
  expect(resultKey({ ...running, attempt: 2 })).toBe("tidy/1/1/x-1/2/result.json");
});
