import { expect, test } from "vitest";
import { parseTransformResult, serializeTransformResult, type TransformResult } from "./transform-result.ts";

const result: TransformResult = {
  version: 1,
  executionId: "e1",
  outcome: {
    status: "failed",
    failure: { kind: "step-failed", step: 0, message: "Step 1 ended with exit code 1." },
    retryable: false,
  },
  steps: [{ index: 0, status: "failed", exitCode: 1, durationMs: 12, logTruncated: false, outputs: { a: [1, null] } }],
  timings: { fetchMs: 1, stepsMs: 2, diffMs: 0 },
};

test("a result comes back as it was written", () => {
  expect(parseTransformResult(serializeTransformResult(result))).toEqual(result);
});

test("what is no result is refused, and not written either", () => {
  const wrong = { ...result, executionId: 7 };
  expect(() => parseTransformResult(new TextEncoder().encode(JSON.stringify(wrong)))).toThrow(/executionId/);
  expect(() => parseTransformResult(new TextEncoder().encode("{"))).toThrow(SyntaxError);
  const tree = { ...result, outcome: { status: "patch", tree: "HEAD" } };
  expect(() => parseTransformResult(new TextEncoder().encode(JSON.stringify(tree)))).toThrow(/tree/);
});
