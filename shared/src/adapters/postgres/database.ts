import knex, { type Knex } from "knex";
import { TypeOverrides } from "pg";
import { DatabaseUnavailable } from "./database-unavailable.ts";

const connectTimeoutMs = 10_000;
const statementTimeoutMs = 30_000;
const lockTimeoutMs = 10_000;
const idleInTransactionTimeoutMs = 60_000;

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database`, with `?sslmode=…` where the server asks for it. */
  readonly url: string;
  /** The most connections at once; none is made before it is needed. */
  readonly poolSize?: number;
  /** Shown in pg_stat_activity, so that an operator sees who holds a lock. */
  readonly applicationName?: string;
}

/** The Postgres that holds everything. Stores run SQL text through `knex.raw` or a transaction of it. */
export interface Database {
  readonly knex: Knex;
  /** Where it is, for people: `host:port/database`. */
  readonly place: string;
  /**
   * The same database by connections of its own, to be closed by whoever asked: for what must not wait for those who hold
   * one here while they wait for it.
   */
  beside(poolSize: number): Database;
  /** Resolves when a query can be answered. @throws DatabaseUnavailable */
  check(): Promise<void>;
  /** Ends all connections. Closing twice is safe. */
  close(): Promise<void>;
}

/**
 * Opens a pool of connections; the first query makes the first one.
 *
 * `bigint` comes back as a number, or as an error where it is not a safe integer (GitHub's ids are below 2^53);
 * `timestamptz` as a Date; `date` as its text, since a day has no instant; `numeric` as text.
 * An error of a query carries the SQL but not its values, which may be secrets.
 *
 * @throws DatabaseUnavailable when the URL is not one; later, from any query, when no connection can be made.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const place = placeOf(options.url);
  const instance = knex({
    client: "pg",
    connection: connectionOf(options),
    pool: { min: 0, max: options.poolSize ?? 10 },
    acquireConnectionTimeout: 2 * connectTimeoutMs,
    compileSqlOnError: false,
    // Everything it would log is thrown as well.
    log: { debug: () => {}, warn: () => {}, error: () => {}, deprecate: () => {} },
  });
  nameConnectionErrors(instance, place);
  return {
    knex: instance,
    place,
    beside: (poolSize) => openDatabase({ ...options, poolSize }),
    async check() {
      try {
        await instance.raw("SELECT 1");
      } catch (cause) {
        throw cause instanceof DatabaseUnavailable ? cause : unavailable(place, cause);
      }
    },
    close: () => instance.destroy(),
  };
}

function connectionOf(options: DatabaseOptions): Knex.PgConnectionConfig & { lock_timeout: number } {
  return {
    connectionString: options.url,
    application_name: options.applicationName ?? "octobatch",
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    keepAlive: true,
    types: typeParsers(),
  };
}

/** Types by Postgres' own numbers, the same on every server (its source, src/include/catalog/pg_type.dat). */
function typeParsers(): Knex.PgCustomTypesConfig {
  const parsers = new TypeOverrides();
  parsers.setTypeParser(20, parseBigint);
  parsers.setTypeParser(1082, (day: string) => day);
  return { getTypeParser: (type, format) => parsers.getTypeParser(type, format === "binary" ? "binary" : "text") };
}

function nameConnectionErrors(instance: Knex, place: string): void {
  // knex types its client as any; it is this class.
  const client = instance.client as Knex.Client;
  const connect = client.acquireRawConnection.bind(client);
  client.acquireRawConnection = async () => {
    try {
      return await connect();
    } catch (cause) {
      throw unavailable(place, cause);
    }
  };
}

function unavailable(place: string, cause: unknown): DatabaseUnavailable {
  return new DatabaseUnavailable(
    `Postgres at ${place} does not answer: ${reasonOf(cause)}. Check DATABASE_URL, and that the server runs and lets this user in.`,
    { cause },
  );
}

function reasonOf(cause: unknown): string {
  // A host with several addresses fails with one error for each, and an empty message of its own.
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}

function placeOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || !["postgres:", "postgresql:"].includes(url.protocol)) {
    // Not quoted: it may hold a password.
    throw new DatabaseUnavailable(
      "DATABASE_URL is not a Postgres URL. Expected postgres://user:password@host:port/database.",
    );
  }
  const host = url.hostname === "" ? (url.searchParams.get("host") ?? "localhost") : decodeURIComponent(url.hostname);
  return `${host}:${url.port === "" ? "5432" : url.port}${url.pathname}`;
}

function parseBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new RangeError(`The bigint ${text} is beyond 2^53; read it as text in the query.`);
  return value;
}
