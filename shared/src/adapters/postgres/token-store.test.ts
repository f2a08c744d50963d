import { afterEach, beforeEach, expect, test } from "vitest";
import { hashOf } from "#shared/hash.ts";
import { later, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { createTokenStore } from "./token-store.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await testDatabase();
});
afterEach(() => db.drop());

const [one, other] = [hashOf("one"), hashOf("other")];
const store = () => createTokenStore(db.database.knex);

async function rows(): Promise<number> {
  const { rows } = await db.database.knex.raw<{ rows: unknown[] }>("SELECT 1 FROM installation_tokens");
  return rows.length;
}

test("a sealed token is kept until it expires", async () => {
  await store().save({ key: one, sealed: "sealed", expiresAt: later(60) }, noon);
  expect(await store().find(one, later(59))).toBe("sealed");
  expect(await store().find(one, later(60))).toBeUndefined();
  expect(await store().find(other, noon)).toBeUndefined();
});

test("a newer one takes its place, expired or not, from one of many at once", async () => {
  await store().save({ key: one, sealed: "first", expiresAt: later(1) }, noon);
  const entry = { key: one, sealed: "second", expiresAt: later(60) };
  for (const at of [noon, later(1)]) await Promise.all([1, 2, 3, 4].map(() => store().save(entry, at)));
  expect(await store().find(one, later(30))).toBe("second");
  expect(await rows()).toBe(1);
});

test("what has expired goes when another is kept", async () => {
  await store().save({ key: one, sealed: "first", expiresAt: later(1) }, noon);
  await store().save({ key: other, sealed: "second", expiresAt: later(60) }, later(1));
  expect(await rows()).toBe(1);
});

test("many that have all expired are replaced at once, and nobody waits for anybody", async () => {
  const keys = Array.from({ length: 12 }, (_, index) => hashOf(String(index)));
  for (let round = 0; round < 20; round += 1) {
    const now = later(100 * round);
    const expiresAt = later(50, now);
    await Promise.all(keys.map((key) => store().save({ key, sealed: String(round), expiresAt }, now)));
  }
  expect(await rows()).toBe(12);
});
