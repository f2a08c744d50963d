import { describe, expect, test } from "vitest";
import { advance } from "#shared/lifecycle.ts";
import { aPatch, anExecution } from "#shared/testing/builders.ts";
import {
  artifactPrefix,
  executionLifecycle,
  placeOfArtifact,
  type ExecutionFact,
  type ExecutionState,
} from "./execution.ts";

const { status: _, ...patch } = aPatch;
const states: readonly ExecutionState[] = [
  { status: "pending" },
  { status: "running" },
  { status: "no-change" },
  aPatch,
  { status: "failed", because: "exit code 1" },
  { status: "cancelled", because: "killed" },
  { status: "expired", was: "patch", because: "30 days" },
];
const facts: readonly ExecutionFact[] = [
  { fact: "started" },
  { fact: "left-unchanged" },
  { fact: "patched", ...patch },
  { fact: "failed", because: "timed out" },
  { fact: "cancelled", because: "killed" },
  { fact: "expired", because: "30 days" },
  { fact: "asked-again" },
];
/** What each fact makes of each status; what is not here is an echo. */
const moves: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  pending: {
    started: "running",
    "left-unchanged": "no-change",
    patched: "patch",
    failed: "failed",
    cancelled: "cancelled",
  },
  running: { "left-unchanged": "no-change", patched: "patch", failed: "failed", cancelled: "cancelled" },
  "no-change": { expired: "expired" },
  patch: { expired: "expired" },
  failed: { "asked-again": "pending" },
  cancelled: { "asked-again": "pending" },
  expired: { "asked-again": "pending" },
};

describe("an execution", () => {
  test.each(states.flatMap((state) => facts.map((fact) => [state.status, fact.fact, state, fact] as const)))(
    "that is %s and hears %s moves as the table says, or not at all",
    (status, name, state, fact) => {
      expect(advance(executionLifecycle, state, fact)?.status).toBe(moves[status]?.[name]);
    },
  );

  test("keeps what the facts say, and nothing else", () => {
    expect(advance(executionLifecycle, { status: "running" }, { fact: "patched", ...patch })).toEqual(aPatch);
    expect(advance(executionLifecycle, { status: "failed", because: "x" }, { fact: "asked-again" })).toEqual({
      status: "pending",
    });
    const { statistics } = aPatch;
    const expired = { status: "expired", was: "patch", because: "30 days", statistics } as const;
    expect(advance(executionLifecycle, aPatch, { fact: "expired", because: "30 days" })).toEqual(expired);
    expect(advance(executionLifecycle, expired, { fact: "asked-again" })).toEqual({ status: "pending" });
  });

  test("has a place of its own for the artifacts of each attempt", () => {
    expect(artifactPrefix(anExecution({ attempt: 1 }))).toBe("tidy/1/1/x-1/1");
    expect(artifactPrefix(anExecution({ attempt: 2 }))).toBe("tidy/1/1/x-1/2");
  });

  test("is found again by the key of its artifacts", () => {
    const key = `${artifactPrefix(anExecution({ attempt: 12 }))}/steps/0.log`;
    expect(placeOfArtifact(key)).toEqual({ executionId: "x-1", attempt: 12 });
    const others = [
      "tidy/1/1/x-1/1",
      "tidy/1/1/x-1/latest/a",
      "tidy/1/1/y-1/1/a",
      "cache/ab/x-1/1/a",
      "a/tidy/1/1/x-1/1/a",
    ];
    expect(others.filter((each) => placeOfArtifact(each) !== undefined)).toEqual([]);
  });
});
