import { expect, test } from "vitest";
import { openDatabase } from "../adapters/postgres/database.ts";
import { testDatabase } from "./postgres.ts";

test("gives every test a database of its own, with the schema of all migrations", async () => {
  const [one, other] = await Promise.all([testDatabase(), testDatabase()]);
  try {
    await one.database.knex.raw("CREATE TABLE only_here ()");
    await expect(other.database.knex.raw("SELECT * FROM only_here")).rejects.toThrow(/does not exist/);
    await expect(other.database.knex.raw("SELECT * FROM campaigns")).resolves.toMatchObject({ rows: [] });
  } finally {
    await Promise.all([one.drop(), other.drop()]);
  }
});

test("drops a database that is still in use, and drops it twice", async () => {
  const db = await testDatabase({ schema: "empty" });
  const transaction = await db.database.knex.transaction();
  await transaction.raw("CREATE TABLE half_done ()");
  await db.drop();
  await db.drop();
  const late = openDatabase({ url: db.url });
  await expect(late.check()).rejects.toThrow(/does not exist/);
  await late.close();
});
