import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createStores, type Stores } from "#shared/adapters/postgres/stores.ts";
import { RetryLater } from "#shared/errors.ts";
import { aChangeset, aRepository, aSpec, aSpecVersion, instant, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import type { Changeset } from "./changeset.ts";
import { assertRoom, assertSameDay, takeTurn } from "./take-turn.ts";

const today = "2026-03-10";
const tomorrow = instant("2026-03-11T00:00:00Z");
let db: TestDatabase;
let stores: Stores;

beforeAll(async () => {
  db = await testDatabase();
  stores = createStores(db.database.knex, []);
  await stores.campaigns.apply(aSpecVersion());
});
afterAll(() => db.drop());
beforeEach(async () => {
  await db.database.knex.raw("DELETE FROM publish_slots");
  await db.database.knex.raw("DELETE FROM changesets");
  const changesets = [1, 2, 3].map((id) => aChangeset({ repository: aRepository({ id }), state: { status: "ready" } }));
  await stores.changesets.addAll(changesets, noon);
});

async function take(repositoryId: number, { cap = 100, spec = aSpec(), now = noon } = {}): Promise<Changeset> {
  const { id } = aChangeset({ repository: aRepository({ id: repositoryId }) });
  const changeset = await stores.changesets.get(id);
  return db.database.knex.transaction(async (transaction) => {
    const turn = await takeTurn(createStores(transaction, []), changeset, spec, cap, now);
    return turn.changeset;
  });
}

async function refusal(turn: Promise<unknown>): Promise<readonly [string, Date]> {
  const error: unknown = await turn.catch((reason: unknown) => reason);
  if (!(error instanceof RetryLater)) throw new Error(`expected RetryLater, got ${String(error)}`);
  return [error.message, error.at];
}

describe("taking a turn", () => {
  test("takes a slot and marks the changeset, as it will be read next", async () => {
    const changeset = await take(1);
    expect(changeset.state).toEqual({ status: "publishing", desired: changeset.desired });
    expect(await stores.changesets.get(changeset.id)).toEqual(changeset);
  });

  test("twice on a day takes one slot", async () => {
    await take(1, { cap: 1 });
    await expect(take(1, { cap: 1 })).resolves.toMatchObject({ state: { status: "publishing" } });
    await expect(take(2, { cap: 1 })).rejects.toBeInstanceOf(RetryLater);
  });

  test("waits for tomorrow when the organization's cap is full, and says so", async () => {
    await take(1, { cap: 1 });
    expect(await refusal(take(2, { cap: 1 }))).toEqual([
      `the daily cap of acme is reached: 1 pull requests on ${today}`,
      tomorrow,
    ]);
    await expect(take(2, { cap: 1, now: tomorrow })).resolves.toBeDefined();
  });

  test("waits for tomorrow when the campaign's own cap is full", async () => {
    const spec = aSpec({ pullRequestsPerDay: 1 });
    await take(1, { spec });
    expect(await refusal(take(2, { spec }))).toEqual([
      `the daily cap of this campaign is reached: 1 pull requests on ${today}`,
      tomorrow,
    ]);
  });

  test("waits for tomorrow in the last minute of a day, also with a slot of that day", async () => {
    const late = instant("2026-03-10T23:59:00Z");
    await take(1);
    expect(await refusal(take(1, { now: late }))).toEqual([expect.stringMatching(/about to end/), tomorrow]);
    expect(await refusal(take(2, { now: late }))).toEqual([expect.stringMatching(/about to end/), tomorrow]);
  });

  test("leaves nothing behind when it has to wait", async () => {
    await take(1, { cap: 1 });
    await refusal(take(2, { cap: 1 }));
    const { id } = aChangeset({ repository: aRepository({ id: 2 }) });
    expect((await stores.changesets.get(id)).state).toEqual({ status: "ready" });
  });
});

describe("looking for room", () => {
  async function look(repositoryId: number, { cap = 100, spec = aSpec(), now = noon } = {}): Promise<void> {
    await assertRoom(stores.slots, aChangeset({ repository: aRepository({ id: repositoryId }) }), spec, cap, now);
  }

  test("finds it as long as there is a slot, or for whoever has one, and takes none", async () => {
    await look(2, { cap: 1 });
    await look(3, { cap: 1 });
    await take(1, { cap: 1 });
    await look(1, { cap: 1 });
    expect(await refusal(look(2, { cap: 1 }))).toEqual([
      `the daily cap of acme is reached: 1 pull requests on ${today}`,
      tomorrow,
    ]);
  });

  test("finds none when the campaign's own cap is full, or the day is about to end", async () => {
    const spec = aSpec({ pullRequestsPerDay: 1 });
    await take(1, { spec });
    expect(await refusal(look(2, { spec }))).toEqual([expect.stringMatching(/cap of this campaign/), tomorrow]);
    const late = instant("2026-03-10T23:59:00Z");
    expect(await refusal(look(3, { now: late }))).toEqual([expect.stringMatching(/about to end/), tomorrow]);
  });
});

describe("before opening", () => {
  test("a slot counts on its own day, and not when that day is about to end", () => {
    expect(() => assertSameDay(today, noon)).not.toThrow();
    expect(() => assertSameDay(today, instant("2026-03-10T23:59:00Z"))).toThrow(RetryLater);
    expect(() => assertSameDay(today, tomorrow)).toThrow(/one of 2026-03-10, which has passed/);
  });
});
