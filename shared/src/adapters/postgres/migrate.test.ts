import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testDatabase, type TestDatabase } from "../../testing/postgres.ts";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";
import { MigrationRefused } from "./migration-refused.ts";

let db: TestDatabase;
let directory: string;

beforeEach(async () => {
  db = await testDatabase({ schema: "empty" });
  directory = await mkdtemp(path.join(tmpdir(), "octobatch-migrations-"));
});
afterEach(async () => {
  await db.drop();
  await rm(directory, { recursive: true, force: true });
});

const write = (name: string, sql: string) => writeFile(path.join(directory, name), sql);

async function tables(): Promise<string[]> {
  const { rows } = await db.database.knex.raw<{ rows: { tablename: string }[] }>(
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'migration%' ORDER BY 1",
  );
  return rows.map(({ tablename }) => tablename);
}

test("runs the numbered files in order, each once", async () => {
  await write("0002-second.sql", "ALTER TABLE first ADD COLUMN more text; CREATE TABLE second ();");
  await write("0001-first.sql", "CREATE TABLE first ();");
  await write("schema.sql", "CREATE TABLE never ();");
  await writeFile(path.join(directory, "README.md"), "Not SQL.");
  expect(await migrate(db.database, directory)).toEqual(["0001-first", "0002-second"]);
  expect(await migrate(db.database, directory)).toEqual([]);
  await write("0003-third.sql", "CREATE TABLE third ();");
  expect(await migrate(db.database, directory)).toEqual(["0003-third"]);
  expect(await tables()).toEqual(["first", "second", "third"]);
});

test("runs nothing where there is no migration yet", async () => {
  expect(await migrate(db.database, directory)).toEqual([]);
  expect(await tables()).toEqual([]);
});

test("takes SQL as it is, question marks and all", async () => {
  await write(
    "0001-marks.sql",
    `CREATE TABLE marks AS SELECT '{"a":1}'::jsonb ? 'a' AS has, '\\? ?' AS literal, 1 AS "what?";`,
  );
  await migrate(db.database, directory);
  const { rows } = await db.database.knex.raw<{ rows: unknown[] }>("SELECT * FROM marks");
  expect(rows).toEqual([{ has: true, literal: "\\? ?", "what?": 1 }]);
});

test("undoes a file that fails, keeps those before it, and names file, line and error", async () => {
  await write("0001-good.sql", "CREATE TABLE good ();");
  await write("0002-bad.sql", "CREATE TABLE half ();\n\nCREATE TABLE nonsense (id nonsense);\n");
  await expect(migrate(db.database, directory)).rejects.toThrow(
    new MigrationRefused('Migration 0002-bad, line 3 failed: type "nonsense" does not exist'),
  );
  expect(await tables()).toEqual(["good"]);
  await write("0002-bad.sql", "CREATE TABLE mended ();");
  expect(await migrate(db.database, directory)).toEqual(["0002-bad"]);
  expect(await tables()).toEqual(["good", "mended"]);
});

test("lets several processes migrate at once", async () => {
  for (const n of [1, 2, 3, 4]) await write(`000${n}-table.sql`, `CREATE TABLE t${n} (); SELECT pg_sleep(0.02);`);
  const others = Array.from({ length: 4 }, () => openDatabase({ url: db.url, poolSize: 1 }));
  const ran = await Promise.all(others.map((database) => migrate(database, directory)));
  await Promise.all(others.map((database) => database.close()));
  expect(ran.flat().sort()).toEqual(["0001-table", "0002-table", "0003-table", "0004-table"]);
});

test("a process that is killed in the middle leaves neither half a migration nor a lock", async () => {
  await write("0001-slow.sql", "CREATE TABLE slow (); SELECT pg_sleep(600);");
  const program = `
    import { openDatabase } from ${JSON.stringify(new URL("database.ts", import.meta.url).href)};
    import { migrate } from ${JSON.stringify(new URL("migrate.ts", import.meta.url).href)};
    await migrate(openDatabase({ url: ${JSON.stringify(db.url)}, applicationName: "victim" }), ${JSON.stringify(directory)});`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: "inherit" });
  const exited = once(child, "exit");
  await until("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'victim' AND wait_event = 'PgSleep'", 1);
  child.kill("SIGKILL");
  await exited;

  await write("0001-slow.sql", "CREATE TABLE quick ();");
  expect(await migrate(db.database, directory)).toEqual(["0001-slow"]);
  expect(await tables()).toEqual(["quick"]);
});

async function until(query: string, count: number): Promise<void> {
  for (;;) {
    const { rows } = await db.database.knex.raw<{ rows: { count: number }[] }>(query);
    if (rows[0]?.count === count) return;
  }
}

test("refuses when a file that has run was edited", async () => {
  await write("0001-first.sql", "CREATE TABLE first ();");
  await migrate(db.database, directory);
  await write("0001-first.sql", "CREATE TABLE first (); -- and a remark");
  await write("0002-second.sql", "CREATE TABLE second ();");
  await expect(migrate(db.database, directory)).rejects.toThrow(
    /^Migration 0001-first has run .* and was edited since\. Undo/,
  );
  expect(await tables()).toEqual(["first"]);
});

test("refuses when a file that has run was renamed", async () => {
  await write("0001-first.sql", "CREATE TABLE first ();");
  await migrate(db.database, directory);
  await rename(path.join(directory, "0001-first.sql"), path.join(directory, "0001-other.sql"));
  await expect(migrate(db.database, directory)).rejects.toThrow(/^Migration 0001-first has run .* missing or renamed/);
});

test("refuses a database that is newer than the code", async () => {
  await write("0001-first.sql", "CREATE TABLE first ();");
  await write("0002-second.sql", "CREATE TABLE second ();");
  await migrate(db.database, directory);
  await rm(path.join(directory, "0002-second.sql"));
  await expect(migrate(db.database, directory)).rejects.toThrow(
    new MigrationRefused(
      "The database is newer than this code: migration 0002-second has run, and the code ends with 0001-first. Run a newer release.",
    ),
  );
});

test.each([
  [["0001-a.sql", "0003-c.sql"], /Expected migration 0002 and found 0003-c/],
  [["0001-a.sql", "0001-b.sql"], /Expected migration 0002 and found 0001-b/],
  [["1-a.sql"], /1-a\.sql is not named like a migration: expected 0001-what-it-does\.sql/],
  [["0001_a.sql"], /not named like a migration/],
])("refuses the file names %j", async (names, message) => {
  for (const name of names) await write(name, "SELECT 1");
  await expect(migrate(db.database, directory)).rejects.toThrow(message);
});
