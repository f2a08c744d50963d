import { Client } from "pg";
import { bookkeepingTables } from "./migrate.ts";
import { schemaSections, unknownThings } from "./schema-catalog.ts";

const header = `-- What the migrations add up to. Printed from a migrated database, not edited by hand:
--   node cli/bin/bootstrap.mjs shared/src/adapters/postgres/print-schema.ts
SET check_function_bodies = off;
`;

/**
 * Writes the schema of a database as SQL that makes it again, the same text for the same schema.
 *
 * It reads the catalogs: npm's Postgres comes without pg_dump, whose output varies with its version besides.
 *
 * @throws Error naming a thing in the schema that it cannot write yet, rather than leaving it out.
 */
export async function dumpSchema(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const unknown = await client.query<{ thing: string }>(unknownThings);
    if (unknown.rows.length > 0) {
      throw new Error(
        `The schema has what the dump cannot write: ${unknown.rows.map(({ thing }) => thing).join(", ")}. ` +
          "Teach it in shared/src/adapters/postgres/schema-catalog.ts.",
      );
    }
    const parts = [header];
    for (const { title, query } of schemaSections) {
      const { rows } = await client.query<{ statement: string }>(query, [bookkeepingTables]);
      if (rows.length === 0) continue;
      parts.push(`-- ${title}\n`, ...rows.map(({ statement }) => `${statement.trimEnd()}\n`));
    }
    return parts.join("\n");
  } finally {
    await client.end();
  }
}
