import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ExecutionState } from "#shared/execution/execution.ts";
import { Rejected } from "#shared/errors.ts";
import type { RepoTarget } from "#shared/run/run.ts";
import { anExecution, aPatch, aRepository, aSpecVersion, later, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { createStores, type Stores } from "./stores.ts";

let db: TestDatabase;
let stores: Stores;
beforeEach(async () => {
  db = await testDatabase();
  stores = createStores(db.database.knex, []);
  await stores.campaigns.apply(aSpecVersion());
});
afterEach(() => db.drop());

const asked = { campaign: "tidy", specVersion: 1, requestedBy: "ana", requestedAt: noon };
const create = (campaign = "tidy") =>
  db.database.knex.transaction((transaction) => createStores(transaction, []).runs.create({ ...asked, campaign }));

function aTarget(key: string, overrides: Partial<RepoTarget> = {}): RepoTarget {
  return { campaign: "tidy", run: 1, key, fullName: `acme/${key}`, selected: false, because: "archived", ...overrides };
}

async function selected(key: string, executionId: string, run = 1): Promise<RepoTarget> {
  const found = { repository: aRepository({ id: Number(key) }), branch: "main", baseCommit: "a".repeat(40) };
  return aTarget(key, { run, selected: true, because: "all are", executionId, ...found });
}

describe("runs", () => {
  test("are numbered from 1 without a gap, also by many at once, each campaign's for itself", async () => {
    await stores.campaigns.apply(aSpecVersion({ campaign: "other" }));
    const runs = await Promise.all(Array.from({ length: 12 }, () => create()));
    expect(runs.map(({ number }) => number).sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
    expect((await stores.runs.latest("tidy"))?.number).toBe(12);
    expect(await create("other")).toEqual({ ...asked, campaign: "other", number: 1 });
    expect(await stores.runs.latest("nobody")).toBeUndefined();
    await expect(stores.runs.get("tidy", 13)).rejects.toBeInstanceOf(Rejected);
  });

  test("know when their selection was complete for the first time, or why it was given up", async () => {
    await create();
    await stores.runs.selectionCompleted("tidy", 1, noon);
    await stores.runs.selectionCompleted("tidy", 1, later(1));
    expect(await stores.runs.get("tidy", 1)).toEqual({ ...asked, number: 1, selectedAt: noon });
    await create();
    await stores.runs.selectionFailed("tidy", 2, "no access");
    expect(await stores.runs.get("tidy", 2)).toEqual({ ...asked, number: 2, failure: "no access" });
  });
});

describe("targets", () => {
  beforeEach(async () => {
    await create();
    await stores.executions.addAll(
      ["x-1", "x-2"].map((id) => anExecution({ id })),
      noon,
    );
  });

  test("are written once a run: the first word counts, and only what is new is answered", async () => {
    const first = await selected("1", "x-1");
    expect(await stores.runs.addTargets([first, aTarget("2")])).toEqual([first, aTarget("2")]);
    const again = await stores.runs.addTargets([aTarget("1"), aTarget("2"), aTarget("3")]);
    expect(again).toEqual([aTarget("3")]);
    expect(await stores.runs.runsOfExecution("x-1")).toEqual([{ number: 1, specVersion: 1 }]);
  });

  test("are written once also when a page names a repository twice", async () => {
    const first = await selected("1", "x-1");
    expect(await stores.runs.addTargets([first, { ...first, because: "again" }])).toEqual([first]);
  });

  test("of an execution are those of the newest run alone", async () => {
    await stores.runs.addTargets([await selected("1", "x-1"), await selected("2", "x-2")]);
    await create();
    await stores.runs.addTargets([await selected("1", "x-1", 2)]);
    expect((await stores.runs.runsOfExecution("x-1")).map(({ number }) => number)).toEqual([2]);
    expect(await stores.runs.runsOfExecution("x-2")).toEqual([]);
  });

  test("are counted by what became of their executions", async () => {
    const states: readonly ExecutionState[] = [
      { status: "pending" },
      { status: "running" },
      { status: "no-change" },
      aPatch,
      { status: "failed", because: "it broke" },
      { status: "cancelled", because: "killed" },
    ];
    const executions = states.map((state, index) => anExecution({ id: `y-${index}`, state }));
    await stores.executions.addAll(executions, noon);
    await stores.runs.addTargets(await Promise.all(executions.map(({ id }, index) => selected(`${index + 1}`, id))));
    await stores.runs.addTargets([aTarget("out")]);
    const one = { pending: 1, running: 1, noChange: 1, patches: 1, failed: 1, cancelled: 1 };
    expect(await stores.runs.progress("tidy", 1)).toEqual({ seen: 7, selected: 6, ...one });
  });
});
