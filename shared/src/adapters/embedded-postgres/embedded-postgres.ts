import { access, constants, mkdir, realpath } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";
import { findPostgresBinaries } from "./binaries.ts";
import { openDataDirectory, superuser } from "./data-directory.ts";
import { lockDirectory } from "./directory-lock.ts";
import { EmbeddedPostgresUnavailable } from "./embedded-postgres-unavailable.ts";
import { chooseIdentity, type Identity } from "./identity.ts";
import { PostgresProcess } from "./postgres-process.ts";
import { endOrphans } from "./server-processes.ts";

/** How to run an embedded Postgres. */
export interface EmbeddedPostgresOptions {
  /** Where it keeps its data, its password and its log; made when missing. */
  readonly directory: string;
  /** The port on 127.0.0.1; by default a free one, another at each start. */
  readonly port?: number;
  /** `false` trades safety against power cuts for speed: for tests. A kill is survived either way. */
  readonly durable?: boolean;
  /** Told in a sentence what is done. */
  readonly log?: (message: string) => void;
}

/** A running server. */
export interface EmbeddedPostgres {
  /** Connects as the superuser to the database `octobatch`; contains the password. */
  readonly url: string;
  /** Shuts it down cleanly, ending its sessions. Stopping twice is safe. */
  stop(): Promise<void>;
}

const database = "octobatch";

/**
 * Starts a real Postgres of its own in a folder, as root or as a normal user, and keeps its data between runs.
 *
 * Safe after any crash: an orphaned server of an earlier process is stopped first, a half-made database is made anew,
 * and what was committed is recovered. A server that dies while it is needed is started again on the same port. It
 * listens on 127.0.0.1 only (no Unix socket: their paths end at 107 bytes, and data folders can be deep), and asks for
 * a generated password that only the folder's owner can read. It ends with the process that started it.
 *
 * @throws EmbeddedPostgresUnavailable saying what is wrong and what to do: not installed, folder in use, port in use,
 *   data of another version or another user.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  return startAs(await chooseIdentity(), options);
}

/** The same, as a given user: so that what a container needs can be tried outside of one. */
export async function startAs(identity: Identity, options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { durable = true, log = () => {} } = options;
  const binaries = await findPostgresBinaries();
  const directory = await openFolder(options.directory);
  const lock = await lockDirectory(directory);
  try {
    await endOrphans(path.join(directory, "data"), log);
    const data = await openDataDirectory(directory, { binaries, identity, durable, log });
    const server = await PostgresProcess.start({
      directory,
      data: data.path,
      binaries,
      identity,
      durable,
      port: options.port,
      log,
    });
    const urlOf = (name: string) => `postgres://${superuser}:${data.password}@127.0.0.1:${server.port}/${name}`;
    try {
      await makeDatabase(urlOf("postgres"));
    } catch (error) {
      await server.stop();
      throw error;
    }
    return {
      url: urlOf(database),
      async stop() {
        await server.stop();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return await realpath(folder);
  } catch (cause) {
    throw new EmbeddedPostgresUnavailable(
      `The folder ${folder} cannot hold a database: ${cause instanceof Error ? cause.message : String(cause)}. ` +
        "Use another directory, or set DATABASE_URL.",
      { cause },
    );
  }
}

/** Makes the database on the first start; later it is there already. */
async function makeDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [database]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${database}`);
  } finally {
    await client.end();
  }
}
