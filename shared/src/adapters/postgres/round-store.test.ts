import { afterEach, beforeEach, expect, test } from "vitest";
import { later, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { createRoundStore } from "./round-store.ts";

const sweep = { name: "sweep", everyMs: 1000 };

let db: TestDatabase;
beforeEach(async () => {
  db = await testDatabase();
});
afterEach(() => db.drop());

const claim = (at: Date, round = sweep) => createRoundStore(db.database.knex).claim(round, at);

test("a round is claimed at once when it never was, and again after its period", async () => {
  expect(await claim(noon)).toBe(true);
  expect(await claim(later(999))).toBe(false);
  expect(await claim(later(1000))).toBe(true);
  expect(await claim(later(1001))).toBe(false);
  expect(await claim(later(60_000))).toBe(true);
  expect(await claim(later(60_001))).toBe(false);
});

test("of many at once one has it, the first time and later", async () => {
  for (const at of [noon, later(5000)]) {
    const answers = await Promise.all(Array.from({ length: 8 }, () => claim(at)));
    expect(answers.filter(Boolean)).toHaveLength(1);
  }
});

test("one whose clock is a little behind does not have it again", async () => {
  expect(await claim(noon)).toBe(true);
  expect(await claim(later(-900))).toBe(false);
});

test("rounds of another name go by themselves", async () => {
  expect(await claim(noon)).toBe(true);
  expect(await claim(noon, { ...sweep, name: "other" })).toBe(true);
});

test("a clock that was ahead holds nothing up once it is right again", async () => {
  expect(await claim(later(24 * 60 * 60_000))).toBe(true);
  expect(await claim(noon)).toBe(true);
  expect(await claim(later(1))).toBe(false);
});

test("a round goes on where the last one of its name stopped, or begins anew", async () => {
  const rounds = createRoundStore(db.database.knex);
  expect(await rounds.place("sweep")).toBeUndefined();
  await claim(noon);
  await rounds.goOn("sweep", "here");
  expect(await rounds.place("sweep")).toBe("here");
  expect(await rounds.place("other")).toBeUndefined();
  await claim(later(5000));
  expect(await rounds.place("sweep")).toBe("here");
  await rounds.goOn("sweep", undefined);
  expect(await rounds.place("sweep")).toBeUndefined();
});
