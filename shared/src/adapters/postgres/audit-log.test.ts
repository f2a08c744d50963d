import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { verifyChain } from "#shared/audit/audit-entry.ts";
import { wholeLog } from "#shared/audit/audit-log.ts";
import { anEntry, later } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { createAuditLog } from "./audit-log.ts";
import { openDatabase } from "./database.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await testDatabase();
});
afterEach(() => db.drop());

const log = () => createAuditLog(db.database.knex);
const entries = () => Array.fromAsync(wholeLog(log()));
const verdict = () => verifyChain(wholeLog(log()));

describe("the audit log", () => {
  test("gives back what was appended, linked from the first entry on", async () => {
    const entry = anEntry("one", {
      at: later(123),
      campaign: "tidy",
      repository: "acme/api",
      specVersion: 3,
      detail: { text: 'naïve \u{1F388} "quoted"', number: 1.5, yes: true, list: ["b", "a"] },
    });
    await log().append([entry, anEntry("two")]);
    expect(await entries()).toMatchObject([
      { ...entry, seq: 1 },
      { ...anEntry("two"), seq: 2 },
    ]);
    expect(await verdict()).toMatchObject({ kind: "intact", entries: 2 });
  });

  test("logs an effect once under its key, in one call or in many", async () => {
    await log().append([anEntry("one"), anEntry("one", { actor: "bo" })]);
    await Promise.all([1, 2, 3, 4].map(() => log().append([anEntry("one"), anEntry("two")])));
    expect((await entries()).map(({ dedupeKey, actor }) => [dedupeKey, actor])).toEqual([
      ["one", "ana"],
      ["two", "ana"],
    ]);
  });

  test("is one chain without a gap when several processes append at once", async () => {
    const processes = [1, 2, 3].map(() => openDatabase({ url: db.url, poolSize: 4 }));
    await Promise.all(
      processes.flatMap(({ knex }, process) =>
        Array.from({ length: 15 }, (_, index) =>
          createAuditLog(knex).append([anEntry(`${process}/${index}`), anEntry("shared")]),
        ),
      ),
    );
    await Promise.all(processes.map((process) => process.close()));
    expect((await entries()).map(({ seq }) => seq)).toEqual(Array.from({ length: 46 }, (_, index) => index + 1));
    expect(await verdict()).toMatchObject({ kind: "intact", entries: 46 });
  });

  test("goes with the transaction that it is written in, and leaves no gap", async () => {
    const failing = db.database.knex.transaction(async (transaction) => {
      await createAuditLog(transaction).append([anEntry("never")]);
      throw new Error("the process died");
    });
    await expect(failing).rejects.toThrow("died");
    await log().append([anEntry("one")]);
    expect(await entries()).toMatchObject([{ seq: 1, dedupeKey: "one" }]);
  });

  test("is read by campaign, in pages", async () => {
    const campaigns = ["tidy", "other", "tidy", "tidy"];
    await log().append(campaigns.map((campaign, index) => anEntry(`${index}`, { campaign })));
    const page = await log().page({ campaign: "tidy", afterSeq: 1, limit: 1 });
    expect(page.map(({ seq }) => seq)).toEqual([3]);
    expect(await log().page({ campaign: "nobody", limit: 10 })).toEqual([]);
  });
});

describe("the database", () => {
  beforeEach(() => log().append([1, 2, 3, 4].map((number) => anEntry(`${number}`, { detail: { number } }))));

  test.each([
    "UPDATE audit_log SET actor = 'mallory' WHERE seq = 2",
    "DELETE FROM audit_log WHERE seq = 4",
    "TRUNCATE audit_log",
  ])("refuses %s", async (statement) => {
    await expect(db.database.knex.raw(statement)).rejects.toThrow(/append-only: (UPDATE|DELETE|TRUNCATE) is refused/);
    expect(await verdict()).toMatchObject({ kind: "intact", entries: 4 });
  });

  test.each(["seq + 2, hash", "seq + 1, repeat('0', 64)", "seq, hash"])(
    "refuses an entry that does not follow the last one: %s",
    async (link) => {
      const forged = `INSERT INTO audit_log (seq, previous_hash, at, actor, action, detail, dedupe_key, hash)
        SELECT ${link}, now(), 'mallory', 'x', '{}', 'forged', repeat('a', 64) FROM audit_log WHERE seq = 4`;
      await expect(db.database.knex.raw(forged)).rejects.toThrow(/does not follow|duplicate key/);
    },
  );

  test.each([
    ["UPDATE audit_log SET actor = 'mallory' WHERE seq = 2", 2, /changed/],
    ["UPDATE audit_log SET detail = '{\"number\": 9}' WHERE seq = 3", 3, /changed/],
    ["UPDATE audit_log SET at = at + interval '1 ms' WHERE seq = 4", 4, /changed/],
    ["UPDATE audit_log SET hash = repeat('a', 64) WHERE seq = 1", 1, /changed/],
    ["DELETE FROM audit_log WHERE seq = 2", 2, /missing/],
    ["DELETE FROM audit_log WHERE seq = 1", 1, /missing/],
  ])("cannot keep a superuser from %s, but the chain shows where", async (statement, seq, because) => {
    await db.database.knex.raw("ALTER TABLE audit_log DISABLE TRIGGER ALL");
    await db.database.knex.raw(statement);
    await db.database.knex.raw("ALTER TABLE audit_log ENABLE TRIGGER ALL");
    expect(await verdict()).toEqual({ kind: "broken", seq, because: expect.stringMatching(because) });
  });
});
