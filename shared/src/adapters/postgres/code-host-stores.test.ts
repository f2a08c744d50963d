import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Installation } from "#shared/ports/code-host.ts";
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

  test("can be removed twice, and be there again", async () => {
    const acme = { id: 1, account: "acme", suspended: false };
    await store().save(acme, noon);
    expect(await store().remove(1, later(1))).toBe(true);
    expect(await store().remove(1, later(2))).toBe(false);
    expect(await store().list()).toEqual([]);
    await store().save(acme, later(3));
    expect(await store().list()).toEqual([acme]);
  });

  describe("read from a list, while a webhook speaks,", () => {
    const acme = { id: 1, account: "acme", suspended: false };
    const listedAt = later(1000);
    const fromList = (installation: Installation) => store().save(installation, listedAt, listedAt);

    test("change what was heard before", async () => {
      await store().save(acme, noon);
      expect(await fromList({ ...acme, account: "umbrella", suspended: true })).toBe(true);
      expect(await store().list()).toEqual([{ id: 1, account: "umbrella", suspended: true }]);
      expect(await store().remove(1, later(2000), later(2000))).toBe(true);
      expect(await store().list()).toEqual([]);
    });

    test("do not undo what was heard since: a change, a removal, a first time, another installation", async () => {
      await store().save({ ...acme, suspended: true }, later(1001));
      expect(await fromList(acme)).toBe(false);
      expect(await store().list()).toEqual([{ ...acme, suspended: true }]);
      expect(await store().remove(1, listedAt, listedAt)).toBe(false);
      await store().save({ ...acme, id: 2 }, later(1002));
      expect(await fromList(acme)).toBe(false);
      expect(await store().list()).toEqual([{ ...acme, id: 2 }]);
      await store().remove(2, later(1003));
      expect(await fromList({ ...acme, id: 2 })).toBe(false);
      expect(await store().list()).toEqual([]);
    });

    test("swap their accounts' names in any order", async () => {
      for (const order of [
        [1, 2],
        [2, 1],
      ]) {
        await store().save({ ...acme, id: 1, account: "acme" }, noon);
        await store().save({ ...acme, id: 2, account: "globex" }, noon);
        for (const id of order) await fromList({ ...acme, id, account: id === 1 ? "globex" : "acme" });
        expect(await store().list()).toEqual([
          { id: 2, account: "acme", suspended: false },
          { id: 1, account: "globex", suspended: false },
        ]);
      }
    });
  });
});

test("a delivery is processed once, by one of many at once", async () => {
  const delivery = { id: "d-1", event: "push", receivedAt: noon, outcome: "ignored" };
  const store = createDeliveryStore(db.database.knex);
  const answers = await Promise.all([1, 2, 3, 4].map(() => store.add(delivery)));
  expect(answers.filter(Boolean)).toHaveLength(1);
  expect(await store.add({ ...delivery, id: "d-2", action: "opened", repositoryId: 42 })).toBe(true);
  expect(await store.processed(["d-2", "d-3", "d-1"])).toEqual(new Set(["d-1", "d-2"]));
  expect(await store.processed([])).toEqual(new Set());
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
