import { createServer } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testDatabase, type TestDatabase } from "../../testing/postgres.ts";
import { DatabaseUnavailable } from "./database-unavailable.ts";
import { openDatabase } from "./database.ts";

describe("an open database", () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase({ schema: "empty" });
  });
  afterAll(() => db.drop());

  const one = async (expression: string): Promise<unknown> => {
    const { rows } = await db.database.knex.raw<{ rows: { value: unknown }[] }>(`SELECT ${expression} AS value`);
    return rows[0]?.value;
  };

  test("answers a check", async () => {
    await expect(db.database.check()).resolves.toBeUndefined();
  });

  test("reads a bigint as a number, and refuses one that is not safe", async () => {
    expect(await one("9007199254740991::bigint")).toBe(Number.MAX_SAFE_INTEGER);
    expect(await one("count(*)")).toBe(1);
    await expect(one("9007199254740993::bigint")).rejects.toThrow(/9007199254740993 is beyond 2\^53/);
    expect(await one("9007199254740993::bigint::text")).toBe("9007199254740993");
  });

  test("reads an instant as a Date, whatever the session's time zone, and a day as text", async () => {
    expect(await one("'2026-01-31T23:59:59.123+05:30'::timestamptz")).toEqual(new Date("2026-01-31T18:29:59.123Z"));
    expect(await one("'2026-01-31'::date")).toBe("2026-01-31");
  });

  test("limits how long a statement, a lock and an idle transaction may take", async () => {
    expect(await one("current_setting('statement_timeout')")).toBe("30s");
    expect(await one("current_setting('lock_timeout')")).toBe("10s");
    expect(await one("current_setting('idle_in_transaction_session_timeout')")).toBe("1min");
  });

  test("shows its name to operators", async () => {
    expect(await one("current_setting('application_name')")).toBe("octobatch-test");
  });

  test("leaves the values of a failed query out of the error", async () => {
    const failed = db.database.knex.raw("SELECT ?::integer", ["a-secret-token"]).catch((error: unknown) => error);
    expect(Object.keys((await failed) as object)).not.toContain("bindings");
    await expect(db.database.knex.raw("SELECT * FROM nowhere WHERE token = ?", ["a-secret-token"])).rejects.toThrow(
      /^SELECT \* FROM nowhere WHERE token = \$1 - relation "nowhere" does not exist$/,
    );
  });

  test("can be closed twice", async () => {
    const database = openDatabase({ url: db.url });
    await database.check();
    await database.close();
    await expect(database.close()).resolves.toBeUndefined();
  });

  test("names where it looked when the password is wrong, without telling any password", async () => {
    const url = new URL(db.url);
    url.password = "not-the-password";
    const database = openDatabase({ url: url.href });
    const error = await database.check().catch((reason: unknown) => reason);
    await database.close();
    expect(error).toBeInstanceOf(DatabaseUnavailable);
    expect(String(error)).toContain(url.host);
    expect(JSON.stringify([String(error), (error as Error).stack, (error as Error).cause])).not.toMatch(
      /not-the-password/,
    );
  });
});

describe("a database that is not there", () => {
  test("fails each query with where it looked and what to do", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    server.close();
    await once(server, "close");

    const database = openDatabase({ url: `postgres://someone:hidden@127.0.0.1:${port}/octobatch` });
    await expect(database.check()).rejects.toThrow(DatabaseUnavailable);
    await expect(database.knex.raw("SELECT 1")).rejects.toThrow(
      new RegExp(`^Postgres at 127.0.0.1:${port}/octobatch does not answer: .*ECONNREFUSED.* Check DATABASE_URL`),
    );
    await expect(database.knex.transaction(async () => {})).rejects.toThrow(DatabaseUnavailable);
    await database.close();
  });

  test.each(["", "localhost/octobatch", "mysql://someone:hidden@localhost/x", "postgres://someone:hidden@[bad/x"])(
    "is refused at once when the URL is %j, without repeating it",
    (url) => {
      expect(() => openDatabase({ url })).toThrow(
        new DatabaseUnavailable(
          "DATABASE_URL is not a Postgres URL. Expected postgres://user:password@host:port/database.",
        ),
      );
    },
  );
});
