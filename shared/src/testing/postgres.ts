import { randomBytes } from "node:crypto";
import type { Knex } from "knex";
import { inject } from "vitest";
import { openDatabase, type Database } from "../adapters/postgres/database.ts";
import { asAdmin, urlOf, type TestServer } from "./postgres-server.ts";

/** A database for one test, or one test file. */
export interface TestDatabase {
  readonly url: string;
  /** Open on it; makes no connection until it is used. */
  readonly database: Database;
  /** Ends every session in it, in the middle of whatever it does, and drops it. Dropping twice is safe. */
  drop(): Promise<void>;
}

/**
 * Makes a database with the schema of all migrations, about 30 ms.
 *
 * `schema: "empty"` makes one without, for tests of the migrations themselves.
 */
export async function testDatabase(options: { schema?: "migrated" | "empty" } = {}): Promise<TestDatabase> {
  const { adminUrl, template, strategy } = await testServer();
  const name = `${template}_${randomBytes(6).toString("hex")}`;
  const source = options.schema === "empty" ? "template0" : template;
  await asAdmin(adminUrl, (admin) => admin.query(`CREATE DATABASE ${name} TEMPLATE ${source} STRATEGY ${strategy}`));
  const url = urlOf(adminUrl, name);
  const database = openDatabase({ url, poolSize: 5, applicationName: "octobatch-test" });
  return {
    url,
    database,
    async drop() {
      const closed = database.close();
      // A transaction that a test left open would keep the pool from ever closing: its session is ended here instead.
      if (isIdle(database)) await closed;
      else closed.catch(() => {});
      await asAdmin(adminUrl, (admin) => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

function isIdle(database: Database): boolean {
  // knex types its client as any; it is this class, and without a pool once it is closed.
  const { pool } = database.knex.client as Knex.Client;
  return pool === undefined || ("numUsed" in pool && pool.numUsed() === 0);
}

let server: Promise<TestServer> | undefined;

function testServer(): Promise<TestServer> {
  server ??= askForServer();
  return server;
}

async function askForServer(): Promise<TestServer> {
  const response = await fetch(inject("testPostgresUrl"));
  const answer = await response.text();
  if (!response.ok) throw new Error(`The Postgres for tests did not start: ${answer}`);
  // Our own global setup answers it.
  return JSON.parse(answer) as TestServer;
}
