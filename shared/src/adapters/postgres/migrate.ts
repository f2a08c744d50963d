import type { Knex } from "knex";
import type { ClientBase } from "pg";
import type { Database } from "./database.ts";
import { migrationsDirectory, readMigrationFiles, type MigrationFile } from "./migration-files.ts";
import { MigrationRefused } from "./migration-refused.ts";

/** Ours among advisory locks: "octo" as a number. */
const advisoryLock = 0x6f63746f;

/** knex keeps its list here, and its lock beside it. */
const tableName = "migrations";
const checksumTable = "migration_checksums";

/** The tables about migrations, which no migration makes. */
export const bookkeepingTables: readonly string[] = [tableName, `${tableName}_lock`, checksumTable];

/**
 * Brings the schema to the newest migration, and answers the names of those it ran.
 *
 * Each file runs in a transaction of its own, together with the note that it ran and the lock that keeps others out.
 * So a process that dies in the middle leaves neither half a migration nor a stuck lock, several processes may
 * migrate at once, and migrating twice does nothing the second time.
 *
 * @throws MigrationRefused before anything is changed, when a file that has run was edited or is gone, or when the
 *   database is newer than this code; and with the place of the error when a file's SQL fails.
 */
export async function migrate(database: Database, directory = migrationsDirectory): Promise<readonly string[]> {
  const files = await readMigrationFiles(directory);
  const done: string[] = [];
  for (;;) {
    const name = await runNext(database.knex, files);
    if (name === undefined) return done;
    done.push(name);
  }
}

async function runNext(knex: Knex, files: readonly MigrationFile[]): Promise<string | undefined> {
  return knex.transaction(async (transaction) => {
    // Building an index can take long, and so can waiting for somebody else who does. The check makes the server notice
    // in the middle of a statement that its client is gone, and let go of the lock.
    await transaction.raw(
      "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL client_connection_check_interval = '500ms'",
    );
    await transaction.raw("SELECT pg_advisory_xact_lock(?)", [advisoryLock]);
    await transaction.raw(
      `CREATE TABLE IF NOT EXISTS ${checksumTable} (name text PRIMARY KEY, checksum text NOT NULL CHECK (checksum ~ '^[0-9a-f]{64}$'))`,
    );
    compare(files, await readApplied(transaction));
    // knex: [batch number, the names that ran]; `up` runs at most one.
    const [, ran] = (await transaction.migrate.up({ tableName, migrationSource: new SqlFiles(files) })) as [
      number,
      string[],
    ];
    return ran[0];
  });
}

async function readApplied(transaction: Knex.Transaction): Promise<ReadonlyMap<string, string>> {
  const { rows } = await transaction.raw<{ rows: { name: string; checksum: string }[] }>(
    `SELECT name, checksum FROM ${checksumTable} ORDER BY name`,
  );
  return new Map(rows.map(({ name, checksum }) => [name, checksum]));
}

function compare(files: readonly MigrationFile[], applied: ReadonlyMap<string, string>): void {
  const known = new Map(files.map((file) => [file.name, file]));
  for (const [name, checksum] of applied) {
    const file = known.get(name);
    if (file === undefined) throw unknown(name, files);
    if (file.checksum === checksum) continue;
    throw new MigrationRefused(
      `Migration ${name} has run on this database and was edited since. Undo the edit and write a new migration instead.`,
    );
  }
}

function unknown(name: string, files: readonly MigrationFile[]): MigrationRefused {
  return Number.parseInt(name, 10) > files.length
    ? new MigrationRefused(
        `The database is newer than this code: migration ${name} has run, and the code ends with ` +
          `${files.at(-1)?.name ?? "none"}. Run a newer release.`,
      )
    : new MigrationRefused(
        `Migration ${name} has run on this database and its file is missing or renamed. Restore it under that name.`,
      );
}

/** What knex's migrator asks for: our files instead of JavaScript modules. */
class SqlFiles implements Knex.MigrationSource<MigrationFile> {
  readonly #files: readonly MigrationFile[];

  constructor(files: readonly MigrationFile[]) {
    this.#files = files;
  }

  async getMigrations(): Promise<MigrationFile[]> {
    return [...this.#files];
  }

  getMigrationName(file: MigrationFile): string {
    return file.name;
  }

  async getMigration(file: MigrationFile): Promise<Knex.Migration> {
    return {
      up: (transaction) => run(transaction, file),
      down: () => Promise.reject(new MigrationRefused("Migrations only go forward: write a new one that undoes it.")),
    };
  }
}

async function run(knex: Knex, file: MigrationFile): Promise<void> {
  // Past knex, for which a question mark is a placeholder while SQL has operators of it. Inside a transaction its client,
  // which it types as any, hands out the transaction's one connection, and that is pg's.
  const connection = (await (
    knex.client as { acquireConnection(): Promise<unknown> }
  ).acquireConnection()) as ClientBase;
  try {
    await connection.query(file.sql);
  } catch (cause) {
    throw new MigrationRefused(`Migration ${file.name}${placeIn(file.sql, cause)} failed: ${messageOf(cause)}`, {
      cause,
    });
  }
  await connection.query(`INSERT INTO ${checksumTable} (name, checksum) VALUES ($1, $2)`, [file.name, file.checksum]);
}

/** Postgres counts characters from 1; people count lines. */
function placeIn(sql: string, cause: unknown): string {
  const position = cause instanceof Error && "position" in cause ? Number(cause.position) : Number.NaN;
  return Number.isNaN(position) ? "" : `, line ${sql.slice(0, position - 1).split("\n").length}`;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
