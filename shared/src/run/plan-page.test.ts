import { describe, expect, test } from "vitest";
import type { Execution } from "#shared/execution/execution.ts";
import type { RepositorySnapshot } from "#shared/ports/code-host.ts";
import { aPatch, aSnapshot, aSpec, noon } from "#shared/testing/builders.ts";
import { planPage } from "./plan-page.ts";
import type { SelectionPage } from "./read-page.ts";
import type { Run } from "./run.ts";
import { sortOut } from "./work.ts";

const run: Run = { campaign: "tidy", number: 2, specVersion: 3, requestedBy: "ana", requestedAt: noon };

function plan(
  repositories: readonly RepositorySnapshot[],
  { missing = [], unconfirmed = [] }: Partial<Pick<SelectionPage, "missing" | "unconfirmed">> = {},
) {
  return planPage({ run, spec: aSpec(), stepsHash: "s", page: { repositories, missing, unconfirmed } });
}

/** What the page wants, as the table knows it already in this state. */
function known(page: ReturnType<typeof plan>, state: Execution["state"], attempt = 1): ReadonlyMap<string, Execution> {
  return new Map(page.executions.map((execution) => [execution.id, { ...execution, attempt, state, version: 4 }]));
}

describe("a page of the selection", () => {
  test("makes a target of each repository, with the reason for in or out", () => {
    const page = plan([aSnapshot(), aSnapshot({ id: 2, isArchived: true })], { missing: ["acme/secret"] });
    expect(page.targets).toMatchObject([
      {
        campaign: "tidy",
        run: 2,
        key: "1",
        fullName: "acme/api",
        selected: true,
        branch: "main",
        baseCommit: "a".repeat(40),
        executionId: page.executions[0]?.id,
      },
      { key: "2", selected: false, because: expect.stringMatching(/archived/) },
      {
        key: "name:acme/secret",
        fullName: "acme/secret",
        selected: false,
        because: expect.stringMatching(/no access/),
      },
    ]);
    expect(page.targets[1]).not.toHaveProperty("executionId");
    expect(page.executions).toMatchObject([{ specVersion: 3, attempt: 1, state: { status: "pending" } }]);
  });

  test("leaves a repository without a branch out, and says why", () => {
    const { branch: _, ...empty } = aSnapshot();
    const page = plan([empty]);
    expect(page.targets).toMatchObject([{ selected: false, because: expect.stringMatching(/.+/) }]);
    expect(page.executions).toEqual([]);
  });

  test("leaves a repository out that no code search could confirm, and says where it was looked for", () => {
    const page = plan([], { unconfirmed: [aSnapshot({ id: 3 })] });
    expect(page.targets).toMatchObject([
      {
        key: "3",
        repository: { id: 3 },
        branch: "main",
        selected: false,
        because: expect.stringMatching(/code search named it.*on the default branch now/),
      },
    ]);
    expect(page.executions).toEqual([]);
  });

  test("makes one target of a repository that it names twice, and the first verdict holds", () => {
    const next = aSnapshot({ branch: { name: "next", commit: "b".repeat(40) } });
    const page = plan([next, aSnapshot()], { unconfirmed: [aSnapshot()], missing: ["acme/gone", "Acme/Gone"] });
    expect(page.targets.map(({ key, branch, selected }) => [key, branch, selected])).toEqual([
      ["1", "next", true],
      ["name:acme/gone", undefined, false],
    ]);
    expect(page.executions).toHaveLength(1);
  });

  test("wants the same executions when it is read again", () => {
    expect(plan([aSnapshot()]).executions).toEqual(plan([aSnapshot()]).executions);
  });
});

describe("an execution that a page wants", () => {
  const page = plan([aSnapshot(), aSnapshot({ id: 2 })]);

  test("is run when it is new", () => {
    expect(sortOut(run, page.executions, new Map())).toEqual({ toRun: page.executions, toRunAgain: [], ended: [] });
  });

  test.each([{ status: "no-change" }, aPatch] as const)("is reused when it has ended as $status", (state) => {
    const { toRun, toRunAgain, ended } = sortOut(run, page.executions, known(page, state));
    expect([toRun, toRunAgain]).toEqual([[], []]);
    expect(ended).toMatchObject([
      { run: 2, specVersion: 3, branch: "main", execution: { state } },
      { repository: { id: 2 } },
    ]);
  });

  test.each([
    { status: "failed", because: "exit code 1" },
    { status: "cancelled", because: "killed" },
  ] as const)("is run again under its next attempt when it had $status", (state) => {
    const { toRun, toRunAgain, ended } = sortOut(run, page.executions, known(page, state, 2));
    expect([toRun, ended]).toEqual([[], []]);
    expect(toRunAgain).toMatchObject([{ attempt: 3, state: { status: "pending" }, version: 4 }, { attempt: 3 }]);
  });

  test.each([{ status: "pending" }, { status: "running" }] as const)("is waited for while it is $status", (state) => {
    expect(sortOut(run, page.executions, known(page, state))).toEqual({ toRun: [], toRunAgain: [], ended: [] });
  });
});
