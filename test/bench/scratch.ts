import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { startEmbeddedPostgres } from "#shared/adapters/embedded-postgres/embedded-postgres.ts";

/** A directory and a Postgres of one's own, gone in the end. */
export interface Scratch {
  readonly directory: string;
  /** Makes an empty database and answers its URL. */
  database(name: string): Promise<string>;
  close(): Promise<void>;
}

/** The directory alone. */
export async function openScratchDirectory(): Promise<Omit<Scratch, "database">> {
  const directory = await mkdtemp(join(tmpdir(), "octobatch-bench-"));
  return { directory, close: () => rm(directory, { recursive: true, force: true }) };
}

export async function openScratch(): Promise<Scratch> {
  const { directory, close: remove } = await openScratchDirectory();
  try {
    const postgres = await startEmbeddedPostgres({ directory: join(directory, "postgres"), durable: false });
    return {
      directory,
      async database(name) {
        const client = new Client({ connectionString: postgres.url });
        await client.connect();
        try {
          await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
        } finally {
          await client.end();
        }
        const url = new URL(postgres.url);
        url.pathname = `/${name}`;
        return url.href;
      },
      async close() {
        await postgres.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
