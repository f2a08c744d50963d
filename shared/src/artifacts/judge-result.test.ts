import { describe, expect, test } from "vitest";
import { artifactPrefix } from "#shared/execution/execution.ts";
import type { TransformResult } from "#shared/execution/transform-result.ts";
import { aPatch, anExecution } from "#shared/testing/builders.ts";
import { judgeResult } from "./judge-result.ts";

const execution = anExecution();
const go = `${artifactPrefix(execution)}/attempts/0123456789ab`;
const kept = [`${go}/changes.json`, `${go}/patch.diff`, `${go}/steps/0.log`];

function aResult(
  parts: { patch?: string; changes?: string; log?: string; executionId?: string } = {},
): TransformResult {
  const { patch = `${go}/patch.diff`, changes = `${go}/changes.json`, log = `${go}/steps/0.log` } = parts;
  const statistics = { files: [], ...aPatch.statistics };
  return {
    version: 1,
    executionId: parts.executionId ?? execution.id,
    outcome: {
      status: "patch",
      patch: { key: patch, sizeBytes: 1 },
      changes: { key: changes },
      tree: aPatch.tree,
      baseTree: aPatch.tree,
      statistics,
    },
    steps: [{ index: 0, status: "ran", durationMs: 1, logKey: log, logTruncated: false, outputs: {} }],
    timings: { fetchMs: 1, stepsMs: 1, diffMs: 1 },
  };
}
const judge = (result: unknown, keys = kept) => judgeResult(Buffer.from(JSON.stringify(result)), execution, keys);

describe("a result", () => {
  test("is accepted when all that it names was handed in by this attempt", () => {
    expect(judge(aResult())).toEqual({ kind: "accept", result: aResult() });
  });

  test.each([
    ["of another execution", aResult({ executionId: "x-2" }), "it is of another execution"],
    [
      "with the patch of another execution",
      aResult({ patch: "tidy/1/1/x-2/1/attempts/0123456789ab/patch.diff" }),
      "which is no patch",
    ],
    [
      "with the patch of another attempt",
      aResult({ patch: "tidy/1/1/x-1/2/attempts/0123456789ab/patch.diff" }),
      "which is no patch",
    ],
    [
      "with a key that climbs",
      aResult({ patch: `${go}/../../../2/attempts/0123456789ab/patch.diff` }),
      "which is no patch",
    ],
    ["with a log for its patch", aResult({ patch: `${go}/steps/0.log` }), "which is no patch"],
    ["with changes that are none", aResult({ changes: `${go}/patch.diff` }), "which is no changes"],
    ["with a log from the cache", aResult({ log: "cache/ab/abcd" }), "which is no log"],
  ])("%s is refused", (_, result, because) => {
    expect(judge(result)).toEqual({ kind: "refuse", because: expect.stringContaining(because) });
  });

  test("that names what was not handed in is refused", () => {
    for (const missing of kept) {
      const others = kept.filter((key) => key !== missing);
      expect(judge(aResult(), others)).toEqual({
        kind: "refuse",
        because: `it names ${missing}, which was not handed in before it`,
      });
    }
  });

  test("that is none is refused", () => {
    for (const none of [{}, { ...aResult(), version: 2 }, [], null]) {
      expect(judge(none)).toEqual({ kind: "refuse", because: expect.stringMatching(/^it is no result: /) });
    }
    const bytes = Buffer.from("{");
    expect(judgeResult(bytes, execution, kept)).toMatchObject({ kind: "refuse" });
  });
});
