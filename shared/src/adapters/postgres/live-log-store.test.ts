import { expect, test } from "vitest";
import { anExecution, aSpecVersion, noon } from "#shared/testing/builders.ts";
import { liveLogsContract } from "#shared/testing/live-logs.contract.ts";
import { testDatabase } from "#shared/testing/postgres.ts";
import { createStores } from "./stores.ts";

async function open() {
  const db = await testDatabase();
  const stores = createStores(db.database.knex, []);
  await stores.campaigns.apply(aSpecVersion());
  await stores.executions.addAll([anExecution(), anExecution({ id: "x-2" })], noon);
  return { db, stores, logs: stores.liveLogs };
}

liveLogsContract("live logs in Postgres", async () => {
  const { db, stores, logs } = await open();
  return {
    logs,
    async end({ executionId }) {
      const execution = await stores.executions.get(executionId);
      await stores.executions.save({ ...execution, state: { status: "no-change" } }, noon);
    },
    close: () => db.drop(),
  };
});

test("an attempt that was replaced is swept, and its late words are dropped", async () => {
  const { db, stores, logs } = await open();
  const chunk = { step: 0, offset: 0, bytes: Buffer.from("first") };
  await logs.append({ executionId: "x-1", attempt: 1 }, [chunk]);
  await stores.executions.save({ ...(await stores.executions.get("x-1")), attempt: 2 }, noon);
  await logs.append({ executionId: "x-1", attempt: 1 }, [{ ...chunk, offset: 5 }]);
  await logs.append({ executionId: "x-1", attempt: 2 }, [chunk]);
  expect(await logs.sweep()).toBe(1);
  expect((await logs.read({ executionId: "x-1", attempt: 2 }, { step: 0, offset: 0 })).chunks).toHaveLength(1);
  await db.drop();
});
