import type { Knex } from "knex";

/** A connection pool, or one transaction of it. */
export type Sql = Knex | Knex.Transaction;

/** What a placeholder may stand for; an array becomes a Postgres array, an instant a timestamptz. */
export type SqlValue = string | number | boolean | Date | null | readonly string[] | readonly number[];

/** Runs a statement with `:name` placeholders and answers its rows, which the caller describes as `Row`. */
export async function rowsOf<Row>(
  sql: Sql,
  text: string,
  values: Readonly<Record<string, SqlValue>> = {},
): Promise<readonly Row[]> {
  // knex cannot know the row's shape; each statement and its Row stand side by side in the store files.
  const result = (await sql.raw(text, values as Record<string, Knex.Value>)) as { readonly rows: readonly Row[] };
  return result.rows;
}

/** Runs a statement with `:name` placeholders and answers how many rows it wrote. */
export async function write(sql: Sql, text: string, values: Readonly<Record<string, SqlValue>> = {}): Promise<number> {
  // As above; pg sets rowCount for every INSERT, UPDATE and DELETE.
  const result = (await sql.raw(text, values as Record<string, Knex.Value>)) as { readonly rowCount: number };
  return result.rowCount;
}

/** Leaves out the keys whose value is null: SQL's way of saying absent. */
export function withoutNulls<Row extends object>(row: Row): { [Key in keyof Row]: Exclude<Row[Key], null> } {
  // The filter is what makes the type true, for optional properties of the result's own type.
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as {
    [Key in keyof Row]: Exclude<Row[Key], null>;
  };
}
