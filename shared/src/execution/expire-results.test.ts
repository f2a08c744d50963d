import { afterEach, beforeEach, expect, test } from "vitest";
import { createStores, type Stores } from "#shared/adapters/postgres/stores.ts";
import { aChangeset, anExecution, aPatch, aSpecVersion, later, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import type { ChangesetState } from "#shared/changeset/changeset.ts";
import { expireResults } from "./expire-results.ts";

let db: TestDatabase;
let stores: Stores;
beforeEach(async () => {
  db = await testDatabase();
  stores = createStores(db.database.knex, []);
  await stores.campaigns.apply(aSpecVersion());
  await stores.executions.addAll([anExecution({ state: aPatch })], noon);
});
afterEach(() => db.drop());

const because = "reasons";
const { id, desired } = aChangeset();
const limit = later(1000);
const now = later(2000);

/** What is written while the result expires: by whoever asks to publish it, or publishes it. */
async function become(state: ChangesetState, at: Date): Promise<void> {
  const changeset = await stores.changesets.get(id);
  await stores.changesets.saveAll([{ ...changeset, state }], at);
}

/** Lets results expire; others write before it looks a second time, or when it has looked. */
function expire(others: { readonly before?: () => Promise<void>; readonly after?: () => Promise<void> }) {
  const { executions } = stores;
  return expireResults(
    {
      executions,
      artifactDays: 30,
      transact: async (work) => {
        await others.before?.();
        return db.database.knex.transaction((trx) => {
          const inside = createStores(trx, []);
          const save: typeof executions.save = async (execution, at) => {
            await others.after?.();
            await inside.executions.save(execution, at);
          };
          return work({ ...inside, executions: { ...inside.executions, save } });
        });
      },
    },
    limit,
    now,
  );
}

const statuses = async () => [
  (await stores.executions.get("x-1")).state.status,
  (await stores.changesets.get(id)).state.status,
];

test("a result that nobody needs expires, and what its changeset wanted of it is withdrawn", async () => {
  await stores.changesets.addAll([aChangeset()], noon);
  expect(await expire({})).toBe(1);
  expect(await statuses()).toEqual(["expired", "withdrawn"]);
});

test.each<[ChangesetState, Date]>([
  [{ status: "ready" }, noon],
  [{ status: "publishing", desired }, noon],
  [{ status: "failed", because }, now],
])("a result stays when its changeset becomes %j just after it was found unneeded", async (state, at) => {
  await stores.changesets.addAll([aChangeset()], noon);
  expect(await expire({ before: () => become(state, at) })).toBe(0);
  expect(await statuses()).toEqual(["patch", state.status]);
});

test("a result expires though its changeset is ready, when its campaign was killed meanwhile", async () => {
  await stores.changesets.addAll([aChangeset()], noon);
  const before = async () => {
    await become({ status: "ready" }, noon);
    await db.database.knex("campaigns").update({ status: "killed" });
  };
  expect(await expire({ before })).toBe(1);
  expect(await statuses()).toEqual(["expired", "withdrawn"]);
});

test.each<ChangesetState>([
  { status: "unpublished" },
  { status: "failed", because },
  { status: "needs-human", because },
])("a result stays when somebody asks to publish it at the last moment, after $status", async (state) => {
  await stores.changesets.addAll([aChangeset({ state })], noon);
  expect(await expire({ after: () => become({ status: "ready" }, now) })).toBe(0);
  expect(await statuses()).toEqual(["patch", "ready"]);
});
