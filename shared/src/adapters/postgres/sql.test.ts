import { afterAll, beforeAll, expect, test } from "vitest";
import { testDatabase, type TestDatabase } from "../../testing/postgres.ts";
import { prepared, rowsOf, write } from "./sql.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase({ schema: "empty" });
  await db.database.knex.raw("CREATE TABLE words (word text PRIMARY KEY)");
});
afterAll(() => db.drop());

test("a name stands for its value wherever it stands, and two colons are a cast", async () => {
  const text = `SELECT :a::integer + CAST(:b AS integer) AS sum, :a || ': ' AS text, array_length(:list::text[], 1) AS many`;
  const values = { a: "2", b: 3, list: ["x", "y"] };
  expect(await rowsOf(db.database.knex, text, values)).toEqual([{ sum: 5, text: "2: ", many: 2 }]);
});

test("a value that is missing is refused before anything is asked", async () => {
  await expect(write(db.database.knex, "DELETE FROM words WHERE word = :word", {})).rejects.toThrow(
    "No value was given for :word in: DELETE FROM words WHERE word = :word",
  );
});

test("a prepared statement is known to its connection by one name, whatever the values", async () => {
  const transaction = await db.database.knex.transaction();
  for (const word of ["one", "two", "three"]) {
    expect(await write(transaction, prepared("INSERT INTO words VALUES (:word)"), { word })).toBe(1);
  }
  const statements = await rowsOf(transaction, "SELECT statement FROM pg_prepared_statements");
  expect(statements).toEqual([{ statement: "INSERT INTO words VALUES ($1)" }]);
  await transaction.rollback();
  expect(await rowsOf(db.database.knex, prepared("SELECT word FROM words"))).toEqual([]);
});

test("a prepared statement has a name that says what it is, so that a pooler never has it for another", async () => {
  await db.database.knex.transaction(async (transaction) => {
    for (let time = 0; time < 2; time += 1) await rowsOf(transaction, prepared("SELECT word FROM words"));
    const names = await rowsOf(
      transaction,
      "SELECT name FROM pg_prepared_statements WHERE statement = 'SELECT word FROM words'",
    );
    expect(names).toEqual([{ name: "octobatch_d1123c479b5bc073" }]);
  });
});

test("nothing runs in a transaction that is over", async () => {
  const transaction = await db.database.knex.transaction();
  await transaction.commit();
  await expect(write(transaction, "DELETE FROM words")).rejects.toThrow(/already complete/);
});

test("an error carries the SQL and no value", async () => {
  const failed = await rowsOf(db.database.knex, "SELECT :secret::integer", { secret: "a-secret-token" }).catch(
    (error: unknown) => error,
  );
  expect(String(failed)).toMatch(/^error: SELECT \$1::integer - /);
  expect(Object.keys(failed as object)).not.toContain("bindings");
});
