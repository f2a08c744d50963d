import type { Knex } from "knex";
import { hashOf } from "#shared/hash.ts";

/** A connection pool, or one transaction of it. */
export type Sql = Knex | Knex.Transaction;

/** What a placeholder may stand for; an array becomes a Postgres array, an instant a timestamptz. */
export type SqlValue = string | number | boolean | Date | null | readonly string[] | readonly number[];

/** A statement that each connection parses once, see {@link prepared}. */
export interface Prepared {
  readonly prepared: string;
}

type Values = Readonly<Record<string, SqlValue>>;

/**
 * Has each connection parse a statement once: for those that run for every repository. It names the columns that it
 * answers, since a migration that adds one changes what `*` stands for, and Postgres then refuses what was prepared before.
 */
export function prepared(text: string): Prepared {
  return { prepared: text };
}

/** Runs a statement with `:name` placeholders and answers its rows, which the caller describes as `Row`. */
export async function rowsOf<Row>(
  sql: Sql,
  statement: string | Prepared,
  values: Values = {},
): Promise<readonly Row[]> {
  // pg cannot know the row's shape; each statement and its Row stand side by side in the store files.
  const result = (await run(sql, statement, values)) as { readonly rows: readonly Row[] };
  return result.rows;
}

/** Runs a statement with `:name` placeholders and answers how many rows it wrote. */
export async function write(sql: Sql, statement: string | Prepared, values: Values = {}): Promise<number> {
  // As above; pg sets rowCount for every INSERT, UPDATE and DELETE.
  const result = (await run(sql, statement, values)) as { readonly rowCount: number };
  return result.rowCount;
}

/** By knex's client and not `knex.raw`, which compiles a text anew each time: that takes longer than the query itself. */
async function run(sql: Sql, statement: string | Prepared, values: Values): Promise<unknown> {
  const isPrepared = typeof statement !== "string";
  const text = isPrepared ? statement.prepared : statement;
  const compiled = compile(text);
  const bindings = compiled.names.map((name) => valueOf(values, name, text));
  // knex types it as any. A transaction's client has one connection, and refuses it when the transaction is over.
  const client = sql.client as Knex.Client;
  const connection: unknown = await client.acquireConnection();
  try {
    const query = { sql: compiled.text, bindings, ...(isPrepared && { options: { name: compiled.id } }) };
    // It adds pg's result to what it was given.
    const { response } = (await client.query(connection, query)) as { readonly response: unknown };
    return response;
  } finally {
    await client.releaseConnection(connection);
  }
}

interface Compiled {
  /** With `$1`, `$2` and so on. */
  readonly text: string;
  /** Of the values, in that order. */
  readonly names: readonly string[];
  /** Its name at the server: the same text has the same one in every process, since a pooler may share connections. */
  readonly id: string;
}

const compiledTexts = new Map<string, Compiled>();

/** A name stands for a parameter of its own wherever it stands, since Postgres finds a type for each. `::type` is a cast. */
function compile(text: string): Compiled {
  const known = compiledTexts.get(text);
  if (known !== undefined) return known;
  const found: string[] = [];
  const positional = text.replaceAll(/(?<!:):([a-zA-Z]\w*)/g, (_, name: string) => `$${found.push(name)}`);
  const compiled = { text: positional, names: found, id: `octobatch_${hashOf(text).slice(0, 16)}` };
  compiledTexts.set(text, compiled);
  return compiled;
}

function valueOf(values: Values, name: string, text: string): SqlValue {
  const value = values[name];
  if (value === undefined) throw new TypeError(`No value was given for :${name} in: ${text}`);
  return value;
}

/** Leaves out the keys whose value is null: SQL's way of saying absent. */
export function withoutNulls<Row extends object>(row: Row): { [Key in keyof Row]: Exclude<Row[Key], null> } {
  // The filter is what makes the type true, for optional properties of the result's own type.
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as {
    [Key in keyof Row]: Exclude<Row[Key], null>;
  };
}
