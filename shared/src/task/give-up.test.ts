import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changesetNudged, changesetReady } from "#eventing/changeset.ts";
import type { EventType } from "#eventing/event-type.ts";
import { executionReported, executionRequested } from "#eventing/execution.ts";
import { selectionPageRequested } from "#eventing/selection.ts";
import { createStores, type Stores } from "#shared/adapters/postgres/stores.ts";
import { aChangeset, anExecution, aPublished, aSpecVersion, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { giveUp, isHopeless } from "./give-up.ts";
import { taskFor, type Task } from "./task.ts";

let db: TestDatabase;
let stores: Stores;
beforeEach(async () => {
  db = await testDatabase();
  stores = createStores(db.database.knex, []);
  await stores.campaigns.apply(aSpecVersion());
});
afterEach(() => db.drop());

async function added<Data>(event: EventType<Data>, data: Data): Promise<Task> {
  const task = taskFor(event, data, { campaign: "tidy", organization: "acme", notBefore: noon, dedupe: [] });
  await stores.tasks.addAll([task], noon);
  const found = await stores.tasks.find(task.id);
  if (found === undefined) throw new Error("a task that was added is found");
  return found;
}

describe("giving a task up", () => {
  test("of a selection fails the run, with the reason", async () => {
    await stores.runs.create({ campaign: "tidy", specVersion: 1, requestedBy: "ana", requestedAt: noon });
    await giveUp(stores, await added(selectionPageRequested, { campaign: "tidy", run: 1, part: 0 }), "no access", noon);
    expect(await stores.runs.get("tidy", 1)).toMatchObject({ failure: "the selection was given up: no access" });
    expect(await stores.tasks.dead("tidy")).toMatchObject([{ because: "no access" }]);
  });

  test.each([executionRequested, executionReported])("fails the execution, and nothing waits for it", async (event) => {
    await stores.executions.addAll([anExecution({ state: { status: "running" } })], noon);
    const requested = await added(executionRequested, { executionId: "x-1", attempt: 1 });
    await giveUp(stores, await added(event, { executionId: "x-1", attempt: 1 }), "no sandbox", noon);
    expect(await stores.executions.get("x-1")).toMatchObject({
      state: { status: "failed", because: "given up: no sandbox" },
    });
    expect((await stores.tasks.find(requested.id))?.state).toMatch(/done|dead/);
  });

  test("of an attempt that another has replaced leaves the execution alone", async () => {
    await stores.executions.addAll([anExecution({ attempt: 2, state: { status: "running" } })], noon);
    await giveUp(stores, await added(executionRequested, { executionId: "x-1", attempt: 1 }), "late", noon);
    expect(await stores.executions.get("x-1")).toMatchObject({ state: { status: "running" } });
  });

  test("of a publication fails the changeset, which keeps its pull request and its slot", async () => {
    const published = aPublished();
    const { desired, id } = aChangeset();
    await stores.changesets.addAll([aChangeset({ state: { status: "publishing", desired, published } })], noon);
    const slot = { changesetId: id, organization: "acme", campaign: "tidy", day: "2026-03-10", at: noon };
    await stores.slots.reserve({ ...slot, cap: { organization: 1 } });
    await giveUp(stores, await added(changesetReady, { changesetId: id }), "it broke", noon);
    expect(await stores.changesets.get(id)).toMatchObject({
      state: { status: "failed", because: "given up: it broke", published },
    });
    expect(await stores.slots.reserve({ ...slot, cap: { organization: 1 } })).toBe("reserved");
  });

  test("twice is giving it up once, and one that is done is left alone", async () => {
    const { id } = aChangeset();
    await stores.changesets.addAll([aChangeset({ state: { status: "ready" } })], noon);
    const task = await added(changesetReady, { changesetId: id });
    await giveUp(stores, task, "first", noon);
    await giveUp(stores, task, "second", noon);
    expect(await stores.changesets.get(id)).toMatchObject({ state: { because: "given up: first" }, version: 2 });
  });

  test("of a look leaves everything as it is", async () => {
    const { id } = aChangeset();
    await stores.changesets.addAll([aChangeset()], noon);
    await giveUp(stores, await added(changesetNudged, { changesetId: id }), "it broke", noon);
    expect(await stores.changesets.get(id)).toEqual(aChangeset());
  });
});

test("an undeliverable event is hopeless when its function said so, or when it has failed often enough", async () => {
  const task = await added(changesetReady, { changesetId: "c-1" });
  expect(isHopeless(task, "422")).toBe(true);
  for (const code of [undefined, "500", "503", "4220", "x422"]) expect(isHopeless(task, code)).toBe(false);
  // That the function was not there, or had no time, says nothing about the task.
  for (const code of ["404", "408", "409", "429"]) expect(isHopeless(task, code)).toBe(false);
  for (const failures of [9, 10]) expect(isHopeless({ ...task, failures }, "404")).toBe(failures === 10);
  expect(isHopeless({ ...task, attempts: 100 }, "500")).toBe(false);
});
