import { expect, test } from "vitest";
import { noon } from "#shared/testing/builders.ts";
import { testDatabase } from "#shared/testing/postgres.ts";
import { readSettings } from "./config.ts";
import { openPacing } from "./open-pacing.ts";
import { pacingSettings } from "./pacing-settings.ts";

test("a turn can be taken while mutations hold every connection of the process and wait for theirs", async () => {
  const db = await testDatabase();
  const { database } = db;
  const { value: pacing, close } = await openPacing({ settings: readSettings({}, pacingSettings), database });
  // As many as the pool has.
  const held = await Promise.all(Array.from({ length: 5 }, () => database.knex.transaction()));
  const request = { resource: "core", cost: 1, kind: "write", createsContent: false, urgency: "publish" } as const;
  expect(await pacing.take("1", request, noon)).toMatchObject({ kind: "go" });
  for (const transaction of held) await transaction.rollback();
  await close();
  await db.drop();
});
