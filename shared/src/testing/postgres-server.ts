import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { access, constants, mkdtemp, rm, statfs } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client } from "pg";
import type { TestProject } from "vitest/node";
import { startEmbeddedPostgres } from "../adapters/embedded-postgres/embedded-postgres.ts";
import { openDatabase } from "../adapters/postgres/database.ts";
import { migrate } from "../adapters/postgres/migrate.ts";

/** What a test file needs to make databases of its own. */
export interface TestServer {
  /** Connects to a database in which nobody works. */
  readonly adminUrl: string;
  /** The name of a migrated database to copy. */
  readonly template: string;
  /** The faster way to copy it there: whole files in memory, through the log on a disk. */
  readonly strategy: "file_copy" | "wal_log";
}

declare module "vitest" {
  interface ProvidedContext {
    /** Answers a {@link TestServer} as JSON. */
    testPostgresUrl: string;
    /** OCTOBATCH_TEST_DATABASE_URL, or nothing where the tests bring their own server. */
    givenDatabaseUrl: string | undefined;
  }
}

/**
 * Vitest's global setup: one Postgres for all test files of a run, started when the first of them asks for it.
 *
 * With OCTOBATCH_TEST_DATABASE_URL it is that server, and the databases made there are dropped at the end.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let started: Promise<Started> | undefined;
  const desk = createServer((_request, response) => {
    started ??= start(project.getProvidedContext().givenDatabaseUrl);
    started.then(
      ({ server }) => response.end(JSON.stringify(server)),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  desk.listen(0, "127.0.0.1");
  await once(desk, "listening");
  const address = desk.address();
  if (address === null || typeof address === "string") throw new Error("A TCP server has a port.");
  project.provide("testPostgresUrl", `http://127.0.0.1:${address.port}/`);
  return async () => {
    desk.close();
    desk.closeAllConnections();
    await (await started?.catch(() => undefined))?.stop();
  };
}

interface Started {
  readonly server: TestServer;
  stop(): Promise<void>;
}

async function start(given: string | undefined): Promise<Started> {
  const { url, strategy, stop } = given === undefined ? await startOwn() : { url: given, strategy: "wal_log" as const };
  const template = `octobatch_test_${randomBytes(6).toString("hex")}`;
  const stopAll = async () => {
    await dropAll(url, template);
    await stop?.();
  };
  try {
    await makeTemplate(url, template);
  } catch (error) {
    await stopAll();
    throw error;
  }
  return { server: { adminUrl: url, template, strategy }, stop: stopAll };
}

async function startOwn() {
  const inMemory = await hasRoom(memory);
  const directory = await mkdtemp(path.join(inMemory ? memory : tmpdir(), "octobatch-test-postgres-"));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const server = await startEmbeddedPostgres({ directory, durable: false });
    const stop = async () => {
      await server.stop();
      await remove();
    };
    return { url: server.url, strategy: inMemory ? ("file_copy" as const) : ("wal_log" as const), stop };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Linux' file system in memory: a database is copied there in 20 ms, on a disk in 45 ms by the log or 300 ms by files. */
const memory = "/dev/shm";
const roomBytes = 2 * 1024 ** 3;

async function hasRoom(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize >= roomBytes;
  } catch {
    return false;
  }
}

async function makeTemplate(adminUrl: string, name: string): Promise<void> {
  await asAdmin(adminUrl, (admin) => admin.query(`CREATE DATABASE ${name} TEMPLATE template0`));
  const database = openDatabase({ url: urlOf(adminUrl, name), poolSize: 1 });
  try {
    await migrate(database);
  } finally {
    await database.close();
  }
}

/** The template and every copy of it: their names begin with its name. */
async function dropAll(adminUrl: string, template: string): Promise<void> {
  await asAdmin(adminUrl, async (admin) => {
    const { rows } = await admin.query<{ datname: string }>(
      "SELECT datname FROM pg_database WHERE starts_with(datname, $1)",
      [template],
    );
    for (const { datname } of rows) await admin.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
  });
}

export async function asAdmin<T>(adminUrl: string, work: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

export function urlOf(adminUrl: string, database: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  return url.href;
}
