import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { startEmbeddedPostgres } from "../embedded-postgres/embedded-postgres.ts";
import { openDatabase } from "./database.ts";
import { dumpSchema } from "./dump-schema.ts";
import { migrate } from "./migrate.ts";
import { migrationsDirectory } from "./migration-files.ts";

// Run by hand after a new migration: prints what all migrations add up to into migrations/schema.sql.
const directory = await mkdtemp(path.join(tmpdir(), "octobatch-schema-"));
try {
  const server = await startEmbeddedPostgres({ directory, durable: false });
  try {
    const database = openDatabase({ url: server.url, poolSize: 1 });
    await migrate(database);
    await database.close();
    await writeFile(path.join(migrationsDirectory, "schema.sql"), await dumpSchema(server.url));
  } finally {
    await server.stop();
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
