import { afterEach, beforeEach, expect, test } from "vitest";
import { Conflict, Rejected } from "#shared/errors.ts";
import type { Artifact } from "#shared/execution/execution-store.ts";
import { anExecution, aPatch, aSpecVersion, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { createStores, type Stores } from "./stores.ts";

let db: TestDatabase;
let stores: Stores;
beforeEach(async () => {
  db = await testDatabase();
  stores = createStores(db.database.knex, []);
  await stores.campaigns.apply(aSpecVersion());
  await stores.executions.addAll([anExecution()], noon);
});
afterEach(() => db.drop());

test("an execution comes back as it was written, and one that is not there is not found", async () => {
  expect(await stores.executions.get("x-1")).toEqual(anExecution());
  expect([...(await stores.executions.find(["x-1", "x-9"])).keys()]).toEqual(["x-1"]);
  await expect(stores.executions.get("x-9")).rejects.toBeInstanceOf(Rejected);
});

test("an execution that exists already stays as it is, with its result", async () => {
  await stores.executions.save(anExecution({ state: aPatch }), noon);
  await stores.executions.addAll([anExecution(), anExecution({ id: "x-2" })], noon);
  expect(await stores.executions.get("x-1")).toEqual(anExecution({ state: aPatch, version: 2 }));
  expect(await stores.executions.idsWithStatus("tidy", "pending")).toEqual(["x-2"]);
  expect(await stores.executions.idsWithStatus("tidy", "patch")).toEqual(["x-1"]);
});

test("an execution is written only by who has read it last, and by one of many at once", async () => {
  const writers = Array.from({ length: 8 }, () => stores.executions.save(anExecution({ attempt: 2 }), noon));
  const outcomes = await Promise.allSettled(writers);
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  await expect(stores.executions.save(anExecution(), noon)).rejects.toBeInstanceOf(Conflict);
  expect(await stores.executions.get("x-1")).toMatchObject({ attempt: 2, version: 2 });
});

test("artifacts are noted once", async () => {
  const artifacts: readonly Artifact[] = [
    { key: "a", executionId: "x-1", kind: "patch" },
    { key: "b", executionId: "x-1", kind: "log" },
  ];
  await stores.executions.addArtifacts(artifacts, noon);
  await stores.executions.addArtifacts(artifacts, noon);
  expect(await stores.executions.artifacts("x-1")).toEqual(artifacts);
  expect(await stores.executions.artifacts("x-2")).toEqual([]);
});
