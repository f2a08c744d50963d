import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { later, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { createDeadLetterStore, createDeliveryStore, createInstallationStore } from "./code-host-stores.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await testDatabase();
});
afterEach(() => db.drop());

describe("installations", () => {
  const store = () => createInstallationStore(db.database.knex);

  test("are kept as we last heard of them", async () => {
    await store().save({ id: 1, account: "acme", suspended: false }, noon);
    await store().save({ id: 1, account: "acme", suspended: true }, later(1));
    await store().save({ id: 2, account: "globex", suspended: false }, noon);
    expect(await store().list()).toEqual([
      { id: 1, account: "acme", suspended: true },
      { id: 2, account: "globex", suspended: false },
    ]);
  });

  test("take the place of an earlier one on the same account, in any case of its name", async () => {
    await store().save({ id: 1, account: "acme", suspended: true }, noon);
    await store().save({ id: 2, account: "Acme", suspended: false }, noon);
    expect(await store().list()).toEqual([{ id: 2, account: "Acme", suspended: false }]);
  });

  test("can be forgotten twice", async () => {
    await store().save({ id: 1, account: "acme", suspended: false }, noon);
    await store().remove(1);
    await store().remove(1);
    expect(await store().list()).toEqual([]);
  });
});

test("a delivery is processed once, by one of many at once", async () => {
  const delivery = { id: "d-1", event: "push", receivedAt: noon, outcome: "ignored" };
  const store = createDeliveryStore(db.database.knex);
  const answers = await Promise.all([1, 2, 3, 4].map(() => store.add(delivery)));
  expect(answers.filter(Boolean)).toHaveLength(1);
  expect(await store.add({ ...delivery, id: "d-2", action: "opened", repositoryId: 42 })).toBe(true);
});

test("a dead letter is kept once, whatever it carries", async () => {
  const letter = { eventId: "e-1", source: "/octobatch", type: "t", event: { data: "é" }, receivedAt: noon };
  const store = createDeadLetterStore(db.database.knex);
  await store.add(letter);
  await store.add({ ...letter, errorCode: "500" });
  await store.add({ ...letter, source: "/elsewhere", errorData: "it broke", destination: "http://nobody" });
  const { rows } = await db.database.knex.raw<{ rows: unknown[] }>("SELECT * FROM dead_letters ORDER BY source");
  expect(rows).toMatchObject([
    { source: "/elsewhere", error_data: "it broke" },
    { source: "/octobatch", event: { data: "é" }, error_code: null },
  ]);
});
