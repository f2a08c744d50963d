import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { MigrationRefused } from "./migration-refused.ts";

/** The migrations of this code. */
export const migrationsDirectory = fileURLToPath(new URL("../../../../migrations", import.meta.url));

/** One numbered SQL file. Its name without `.sql` is what the database remembers. */
export interface MigrationFile {
  readonly name: string;
  readonly number: number;
  readonly sql: string;
  /** SHA-256 of the file, in hexadecimal. */
  readonly checksum: string;
}

const fileName = /^(\d{4})-[a-z0-9-]+\.sql$/;
const dump = "schema.sql";

/**
 * Reads `NNNN-what.sql` in the order of their numbers.
 *
 * @throws MigrationRefused when a file is named otherwise, or a number is missing or taken twice.
 */
export async function readMigrationFiles(directory: string): Promise<readonly MigrationFile[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".sql") && name !== dump).sort();
  const files = await Promise.all(names.map((name) => readMigrationFile(directory, name)));
  for (const [index, file] of files.entries()) {
    if (file.number === index + 1) continue;
    throw new MigrationRefused(
      `Expected migration ${String(index + 1).padStart(4, "0")} and found ${file.name}: numbers run on from 0001, each once.`,
    );
  }
  return files;
}

async function readMigrationFile(directory: string, name: string): Promise<MigrationFile> {
  const number = fileName.exec(name)?.[1];
  if (number === undefined) {
    throw new MigrationRefused(
      `${path.join(directory, name)} is not named like a migration: expected 0001-what-it-does.sql.`,
    );
  }
  const bytes = await readFile(path.join(directory, name));
  return {
    name: path.basename(name, ".sql"),
    number: Number.parseInt(number, 10),
    sql: bytes.toString("utf8"),
    checksum: createHash("sha256").update(bytes).digest("hex"),
  };
}
