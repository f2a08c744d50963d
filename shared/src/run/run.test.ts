import { describe, expect, test } from "vitest";
import { aRepository, aSpec, noon } from "#shared/testing/builders.ts";
import { isFinished, type RunProgress } from "./run-store.ts";
import { executionIdFor, missingTargetKey, planSelection, targetKey, type Run } from "./run.ts";

describe("planning a selection", () => {
  test("reads repositories by name first, an owner's together, whatever their place in the spec", () => {
    const spec = aSpec({
      on: [
        { org: "acme" },
        { repository: "acme/api", branch: "next" },
        { search: "org:acme topic:node", org: "acme" },
        { repository: "globex/web" },
        { repository: "acme/web" },
      ],
    });
    expect(planSelection(spec)).toEqual([
      { kind: "repositories", organization: "acme", repositories: [{ name: "api", branch: "next" }, { name: "web" }] },
      { kind: "repositories", organization: "globex", repositories: [{ name: "web" }] },
      { kind: "organization", organization: "acme" },
      { kind: "search", organization: "acme", search: "org:acme topic:node" },
    ]);
  });

  test("asks for no more than a hundred names at once, and loses none", () => {
    const on = Array.from({ length: 201 }, (_, index) => ({ repository: `acme/r${index}` }));
    const parts = planSelection(aSpec({ on }));
    const names = parts.map((part) => (part.kind === "repositories" ? part.repositories.map(({ name }) => name) : []));
    expect(names.map(({ length }) => length)).toEqual([100, 100, 1]);
    expect(names.flat()).toEqual(on.map(({ repository }) => repository.slice("acme/".length)));
  });
});

describe("the id of an execution", () => {
  const work = { campaign: "tidy", repository: aRepository(), branch: "main", baseCommit: "a", stepsHash: "s" };

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
    ];
    expect(new Set([work, ...others.map((other) => ({ ...work, ...other }))].map(executionIdFor)).size).toBe(8);
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
