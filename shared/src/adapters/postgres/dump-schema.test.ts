import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { testDatabase, type TestDatabase } from "../../testing/postgres.ts";
import { dumpSchema } from "./dump-schema.ts";
import { migrationsDirectory } from "./migration-files.ts";

const opened: TestDatabase[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((db) => db.drop()));
});

async function open(schema: "migrated" | "empty"): Promise<TestDatabase> {
  const db = await testDatabase({ schema });
  opened.push(db);
  return db;
}

test("migrations/schema.sql is what the migrations add up to", async () => {
  const db = await open("migrated");
  const kept = await readFile(path.join(migrationsDirectory, "schema.sql"), "utf8").catch(() => "(missing)");
  expect(
    kept,
    "migrations/schema.sql is stale: run node cli/bin/bootstrap.mjs shared/src/adapters/postgres/print-schema.ts",
  ).toBe(await dumpSchema(db.url));
});

test("a dump makes the same schema again", async () => {
  const [original, copy] = await Promise.all([open("migrated"), open("empty")]);
  const dump = await dumpSchema(original.url);
  await copy.database.knex.raw(dump.replaceAll("?", "\\?"));
  expect(await dumpSchema(copy.url)).toBe(dump);
});

test("a dump holds everything that it knows, and can be run", async () => {
  const [original, copy] = await Promise.all([open("empty"), open("empty")]);
  await original.database.knex.raw(`
    CREATE TYPE mood AS ENUM ('good', 'it''s bad');
    CREATE DOMAIN slug AS text NOT NULL CHECK (VALUE ~ '^[a-z]+$');
    CREATE SEQUENCE counter AS integer START WITH 5 CYCLE;
    CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN n + n;
    CREATE TABLE "Odd name" (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      serial integer DEFAULT nextval('counter'),
      name slug,
      mood mood DEFAULT 'good',
      sorted text COLLATE "C" UNIQUE,
      doubled integer GENERATED ALWAYS AS (serial * 2) VIRTUAL,
      CHECK (serial > 0)
    );
    CREATE TABLE child (parent bigint REFERENCES "Odd name" ON DELETE CASCADE, during tstzrange, EXCLUDE USING gist (during WITH &&));
    CREATE INDEX partial ON child (parent DESC) INCLUDE (during) WHERE parent > 3;
    CREATE VIEW seen AS SELECT id, name FROM "Odd name" WHERE mood = 'good';
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
    CREATE TRIGGER keep BEFORE DELETE ON child FOR EACH ROW WHEN (OLD.parent > 1) EXECUTE FUNCTION refuse();
    COMMENT ON TABLE child IS 'It''s young';
    COMMENT ON COLUMN child.parent IS 'Whose';
  `);
  const dump = await dumpSchema(original.url);
  for (const part of [
    "mood AS ENUM",
    "DOMAIN slug",
    "SEQUENCE counter",
    "VIRTUAL",
    "EXCLUDE",
    "INCLUDE",
    "VIEW seen",
    "TRIGGER keep",
  ]) {
    expect(dump).toContain(part);
  }
  await copy.database.knex.raw(dump.replaceAll("?", "\\?"));
  expect(await dumpSchema(copy.url)).toBe(dump);
});

test.each([
  ["CREATE MATERIALIZED VIEW stale AS SELECT 1", "materialized view stale"],
  ["CREATE SCHEMA elsewhere", "schema elsewhere"],
  ["CREATE TABLE t (a int) PARTITION BY LIST (a)", "partitioned table t"],
  ["CREATE TABLE t (); ALTER TABLE t ENABLE ROW LEVEL SECURITY", "row security of t"],
])("a dump refuses what it does not know: %s", async (sql, thing) => {
  const db = await open("empty");
  await db.database.knex.raw(sql);
  await expect(dumpSchema(db.url)).rejects.toThrow(`The schema has what the dump cannot write: ${thing}`);
});
