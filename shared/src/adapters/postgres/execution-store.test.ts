import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ChangesetState } from "#shared/changeset/changeset.ts";
import { Conflict, Rejected } from "#shared/errors.ts";
import type { Artifact } from "#shared/execution/execution-store.ts";
import {
  aChangeset,
  anExecution,
  aPatch,
  aPublished,
  aRepository,
  aSpecVersion,
  later,
  noon,
} from "#shared/testing/builders.ts";
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

test("an attempt that had to wait begins only while it is wanted and its campaign is active", async () => {
  const { executions } = stores;
  const state = { status: "pending", retries: 1 } as const;
  await executions.save(anExecution({ state, attempt: 2 }), noon);
  expect(await executions.begin({ id: "x-1", attempt: 1 }, later(1))).toBe(false);
  await db.database.knex.raw("UPDATE campaigns SET status = 'paused'");
  expect(await executions.begin({ id: "x-1", attempt: 2 }, later(1))).toBe(false);
  await db.database.knex.raw("UPDATE campaigns SET status = 'active'");
  expect(await executions.begin({ id: "x-1", attempt: 2 }, later(1))).toBe(true);
  const begun = await executions.get("x-1");
  expect(begun).toEqual(anExecution({ state: { ...state, status: "running" }, attempt: 2, version: 3 }));
  expect(await executions.idsWithStatus("tidy", "running")).toEqual(["x-1"]);
  // Lost in a crash, and begun again.
  expect(await executions.begin({ id: "x-1", attempt: 2 }, later(2))).toBe(true);
  const cancelled = { status: "cancelled", because: "it was killed" } as const;
  await executions.save({ ...begun, state: cancelled, version: 4 }, later(3));
  expect(await executions.begin({ id: "x-1", attempt: 2 }, later(4))).toBe(false);
  expect(await executions.get("x-1")).toMatchObject({ state: cancelled });
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

test("artifacts are forgotten with all that can be searched of them, and again without harm", async () => {
  const keys = ["a", "b", "c"];
  await stores.executions.addArtifacts(
    keys.map((key) => ({ key, executionId: "x-1", kind: "log" })),
    noon,
  );
  await stores.executions.forgetBlobs(["a", "c", "never noted"]);
  expect((await stores.executions.artifacts("x-1")).map(({ key }) => key)).toEqual(["b"]);
  await stores.executions.forgetArtifacts("x-1");
  await stores.executions.forgetArtifacts("x-1");
  expect(await stores.executions.artifacts("x-1")).toEqual([]);
});

test("whoever uses results finds those that exist, and keeps those from expiring who read them before", async () => {
  await stores.executions.save(anExecution({ state: aPatch }), noon);
  const [seen] = await stores.executions.unneededSince(later(1), 10);
  const used = await stores.executions.use(["x-9", "x-1"], later(1));
  expect([...used.values()]).toEqual([anExecution({ state: aPatch, version: 3 })]);
  await expect(stores.executions.save({ ...anExecution(), ...seen }, later(2))).rejects.toBeInstanceOf(Conflict);
  expect(await stores.executions.unneededSince(later(1), 10)).toEqual([]);
  expect(await stores.executions.lastUses(["x-1", "x-9"])).toEqual(
    new Map([["x-1", { status: "patch", attempt: 1, at: later(1) }]]),
  );
});

test("whoever uses what runs does not disturb the one who is about to end it", async () => {
  const running = anExecution({ state: { status: "running" } });
  await stores.executions.save(running, noon);
  await stores.executions.use(["x-1"], later(1));
  await stores.executions.save({ ...running, state: aPatch, version: 2 }, later(2));
  expect(await stores.executions.get("x-1")).toMatchObject({ state: aPatch });
});

describe("a result", () => {
  const before = later(1000);
  const unneeded = async () => (await stores.executions.unneededSince(before, 10)).map(({ id }) => id);
  const changeset = (state: ChangesetState, id = 1) =>
    stores.changesets.addAll(
      [
        aChangeset({
          repository: aRepository({ id }),
          state,
          desired: { run: 1, specVersion: 1, executionId: `x-${id}` },
        }),
      ],
      noon,
    );
  const kill = () => db.database.knex("campaigns").update({ status: "killed" });
  const because = "reasons";
  const published = aPublished();
  beforeEach(() => stores.executions.save(anExecution({ state: aPatch }), noon));

  test("is unneeded when nobody wants it any more, the longest unneeded first", async () => {
    const others = ["x-2", "x-3", "x-4"].map((id) => anExecution({ id }));
    await stores.executions.addAll(others, noon);
    await stores.executions.save({ ...anExecution({ id: "x-2" }), state: aPatch }, before);
    await stores.executions.save({ ...anExecution({ id: "x-3" }), state: { status: "no-change" } }, later(-1));
    await stores.executions.save({ ...anExecution({ id: "x-4" }), state: { status: "failed", because } }, later(-1));
    expect(await unneeded()).toEqual(["x-3", "x-1"]);
    expect((await stores.executions.unneededSince(before, 1)).map(({ id }) => id)).toEqual(["x-3"]);
    const judged = ["x-1", "x-2", "x-3", "x-4", "x-9"].map((id) => stores.executions.isUnneededSince(id, before));
    expect(await Promise.all(judged)).toEqual([true, false, true, false, false]);
  });

  test.each<[ChangesetState["status"], ChangesetState, "needed" | "needed until a kill" | "unneeded"]>([
    ["unpublished", { status: "unpublished" }, "unneeded"],
    ["ready", { status: "ready" }, "needed until a kill"],
    ["ready", { status: "ready", published }, "needed"],
    [
      "publishing",
      { status: "publishing", desired: { run: 1, specVersion: 1, executionId: "x-1" } },
      "needed until a kill",
    ],
    ["open", { status: "open", published }, "needed"],
    ["needs-human", { status: "needs-human", because, published }, "needed"],
    ["merged", { status: "merged", published }, "unneeded"],
    ["closed", { status: "closed", published }, "unneeded"],
    ["failed", { status: "failed", because, published }, "needed"],
    ["failed", { status: "failed", because }, "unneeded"],
    ["needs-human", { status: "needs-human", because }, "unneeded"],
    ["withdrawn", { status: "withdrawn", because }, "unneeded"],
  ])("of a changeset that is %s: %j is %s", async (_, state, verdict) => {
    await changeset(state);
    expect(await unneeded()).toEqual(verdict === "unneeded" ? ["x-1"] : []);
    await kill();
    expect(await unneeded()).toEqual(verdict === "needed" ? [] : ["x-1"]);
  });

  test.each<ChangesetState>([
    { status: "unpublished" },
    { status: "failed", because },
    { status: "needs-human", because },
  ])("of a changeset that is $status is needed while its campaign has others under way", async (state) => {
    await changeset(state);
    await stores.executions.addAll([anExecution({ id: "x-2", repository: aRepository({ id: 2 }) })], noon);
    await changeset({ status: "open", published: aPublished({ executionId: "x-2" }) }, 2);
    expect(await unneeded()).toEqual([]);
    await db.database
      .knex("changesets")
      .where({ repository_id: 2 })
      .update({
        status: "merged",
        state: JSON.stringify({ status: "merged", published }),
      });
    expect(await unneeded()).toEqual(["x-1"]);
  });

  test("is needed while it is what the pull request shows, though another is wanted", async () => {
    await stores.changesets.addAll(
      [aChangeset({ state: { status: "open", published }, desired: { run: 2, specVersion: 2, executionId: "x-2" } })],
      noon,
    );
    expect(await unneeded()).toEqual([]);
  });

  test("is kept for a while after its changeset was last written", async () => {
    await changeset({ status: "merged", published });
    await db.database.knex("changesets").update({ updated_at: before });
    expect(await unneeded()).toEqual([]);
  });
});
