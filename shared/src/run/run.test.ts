import { describe, expect, test } from "vitest";
import { wholeRepository, workspaceAt } from "#shared/execution/workspace.ts";
import { aRepository, noon } from "#shared/testing/builders.ts";
import { isFinished, type RunProgress } from "./run-store.ts";
import { executionIdFor, missingTargetKey, targetKey, type Run } from "./run.ts";

describe("the id of an execution", () => {
  const work = {
    campaign: "tidy",
    repository: aRepository(),
    branch: "main",
    baseCommit: "a",
    stepsHash: "s",
    workspace: wholeRepository,
  };

  test("is the same for the same work", () => {
    expect(executionIdFor({ ...work })).toBe(executionIdFor(work));
    expect(executionIdFor(work)).toMatch(/^x-[0-9a-f]{32}$/);
  });

  test("is another as soon as anything that the steps can read is another", () => {
    const others = [
      { campaign: "other" },
      { repository: aRepository({ id: 2, name: "api" }) },
      { repository: aRepository({ name: "renamed" }) },
      { repository: aRepository({ owner: "globex" }) },
      { branch: "next" },
      { baseCommit: "b" },
      { stepsHash: "t" },
      { workspace: workspaceAt("packages/a", false) },
      { workspace: workspaceAt("packages/a", true) },
      { workspace: workspaceAt("packages/b", false) },
    ];
    expect(new Set([work, ...others.map((other) => ({ ...work, ...other }))].map(executionIdFor)).size).toBe(11);
  });

  test("of a whole repository is what it was before there were workspaces, so that results stay known", () => {
    expect(executionIdFor(work)).toBe("x-e24b4c4a6392e8160ea0c2ade044b275");
    expect(executionIdFor({ ...work, workspace: workspaceAt("", true) })).toBe(executionIdFor(work));
  });
});

test("a target is kept under the repository's id, one that was not seen under its name in any case", () => {
  expect(targetKey(aRepository({ id: 42 }))).toBe("42");
  expect(missingTargetKey("Acme/API")).toBe(missingTargetKey("acme/api"));
});

describe("a run is finished", () => {
  const run: Run = { campaign: "tidy", number: 1, specVersion: 1, requestedBy: "ana", requestedAt: noon };
  const counts = { seen: 2, selected: 2, pending: 0, running: 0, noChange: 1, patches: 1, failed: 0, cancelled: 0 };
  const progress = (overrides: Partial<RunProgress> = {}): RunProgress => ({ ...counts, ...overrides });

  test("when its selection is complete and nothing runs any more", () => {
    expect(isFinished(run, progress())).toBe(false);
    const selected = { ...run, selectedAt: noon };
    expect(isFinished(selected, progress())).toBe(true);
    expect(isFinished(selected, progress({ pending: 1 }))).toBe(false);
    expect(isFinished(selected, progress({ running: 1 }))).toBe(false);
  });

  test("when its selection was given up", () => {
    expect(isFinished({ ...run, failure: "no access" }, progress({ pending: 1 }))).toBe(true);
  });
});
