import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { DailyCap } from "#shared/changeset/changeset-store.ts";
import type { Changeset } from "#shared/changeset/changeset.ts";
import { Conflict, Rejected } from "#shared/errors.ts";
import { aChangeset, aPublished, aRepository, aSpecVersion, later, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { createCampaignStore } from "./campaign-store.ts";
import { createChangesetStore, createSlotStore } from "./changeset-store.ts";
import { openDatabase, type Database } from "./database.ts";
import type { Sql } from "./sql.ts";

interface Wish {
  readonly cap: DailyCap;
  readonly organization?: string;
  readonly day?: string;
}

const today = "2026-03-10";
const published = aPublished();
let db: TestDatabase;
let many: Database;

beforeAll(async () => {
  db = await testDatabase();
  many = openDatabase({ url: db.url, poolSize: 15 });
  await createCampaignStore(many.knex).apply(aSpecVersion());
});
afterAll(async () => {
  await many.close();
  await db.drop();
});
beforeEach(async () => {
  await many.knex.raw("DELETE FROM publish_slots");
  await many.knex.raw("DELETE FROM changesets");
});

const of = (id: number, overrides: Partial<Changeset> = {}) =>
  aChangeset({ repository: aRepository({ id }), ...overrides });

describe("changesets in the table", () => {
  const store = () => createChangesetStore(many.knex);

  test("come back as they were written", async () => {
    const changeset = of(1, { state: { status: "open", published } });
    await store().addAll([changeset], noon);
    expect(await store().get(changeset.id)).toEqual(changeset);
    expect(await store().ofCampaign("tidy")).toEqual([changeset]);
    expect([...(await store().find([changeset.id, "nobody"])).keys()]).toEqual([changeset.id]);
    await expect(store().get("nobody")).rejects.toBeInstanceOf(Rejected);
  });

  test("exist once a repository", async () => {
    await store().addAll([of(1)], noon);
    await expect(store().addAll([of(2), of(1)], noon)).rejects.toBeInstanceOf(Conflict);
  });

  test("are written only by who has read them last, all or none", async () => {
    await store().addAll([of(1), of(2)], noon);
    await store().saveAll([of(1, { state: { status: "ready" } })], noon);
    const stale = many.knex.transaction((transaction) =>
      createChangesetStore(transaction).saveAll([of(1), of(2, { state: { status: "ready" } })], noon),
    );
    await expect(stale).rejects.toBeInstanceOf(Conflict);
    expect(await store().get(of(1).id)).toMatchObject({ state: { status: "ready" }, version: 2 });
    expect(await store().get(of(2).id)).toEqual(of(2));
  });

  test("let one of many writers win", async () => {
    await store().addAll([of(1)], noon);
    const writers = Array.from({ length: 10 }, () => store().saveAll([of(1, { state: { status: "ready" } })], noon));
    const outcomes = await Promise.allSettled(writers);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect((await store().get(of(1).id)).version).toBe(2);
  });

  test("are found by the pull request and the branch that they published", async () => {
    const one = of(1, { state: { status: "needs-human", because: "drift", published } });
    await store().addAll([one, of(2, { state: { status: "open", published } }), of(3)], noon);
    expect(await store().publishedAs(1, { pullRequest: 7 })).toEqual([one]);
    expect(await store().publishedAs(1, { branch: published.branch })).toEqual([one]);
    expect(await store().publishedAs(1, { pullRequest: 8 })).toEqual([]);
    expect(await store().publishedAs(3, { branch: published.branch })).toEqual([]);
  });

  test("with a pull request that may move are those to compare, the longest unseen first", async () => {
    const states: readonly Changeset["state"][] = [
      { status: "open", published },
      { status: "closed", published },
      { status: "failed", because: "refused", published },
      { status: "merged", published },
      { status: "failed", because: "refused" },
      { status: "unpublished" },
    ];
    await store().addAll(
      states.map((state, index) => of(index + 1, { state })),
      noon,
    );
    await store().checked(of(1).id, later(10));
    await store().checked(of(2).id, later(5));
    const unseen = async (before: Date) =>
      (await store().uncheckedSince(before, 10)).map(({ repository }) => repository.id);
    expect(await unseen(later(20))).toEqual([3, 2, 1]);
    expect(await unseen(later(6))).toEqual([3, 2]);
    expect(await unseen(noon)).toEqual([]);
  });
});

describe("slots of a day", () => {
  const slots = {
    used: (id: number) => createSlotStore(many.knex).used(of(id).id),
    giveBack: (id: number) => createSlotStore(many.knex).giveBack(of(id).id),
    room: (id: number, { cap, organization = "acme", day = today }: Wish) =>
      createSlotStore(many.knex).room({ changesetId: of(id).id, organization, campaign: "tidy", day, cap }),
    reserve(id: number, { cap, organization = "acme", day = today }: Wish, within?: Sql) {
      const request = { changesetId: of(id).id, organization, campaign: "tidy", day, cap, at: noon };
      if (within !== undefined) return createSlotStore(within).reserve(request);
      return many.knex.transaction((transaction) => createSlotStore(transaction).reserve(request));
    },
  };

  beforeEach(async () => {
    await createChangesetStore(many.knex).addAll(
      Array.from({ length: 30 }, (_, index) => of(index + 1)),
      noon,
    );
  });

  test("are never more than the cap, however many ask at once", async () => {
    const cap = { organization: 7 };
    const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => slots.reserve(index + 1, { cap })));
    expect(answers.filter((answer) => answer === "reserved")).toHaveLength(7);
    expect(answers.filter((answer) => answer === "organization-full")).toHaveLength(23);
    const again = await Promise.all(Array.from({ length: 30 }, (_, index) => slots.reserve(index + 1, { cap })));
    expect(again).toEqual(answers);
  });

  test("of a campaign are never more than its own cap, also over several organizations at once", async () => {
    const cap = { organization: 100, campaign: 5 };
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => slots.reserve(index + 1, { cap, organization: `org-${index % 6}` })),
    );
    expect(answers.filter((answer) => answer === "reserved")).toHaveLength(5);
    expect(answers).toContain("campaign-full");
  });

  test("are an organization's own, in any case of its name", async () => {
    const cap = { organization: 1 };
    expect(await slots.reserve(1, { cap, organization: "Acme" })).toBe("reserved");
    expect(await slots.reserve(2, { cap, organization: "aCME" })).toBe("organization-full");
    expect(await slots.reserve(2, { cap, organization: "globex" })).toBe("reserved");
  });

  test("are looked for without taking one", async () => {
    const cap = { organization: 2, campaign: 1 };
    expect(await Promise.all([1, 2, 3].map((id) => slots.room(id, { cap })))).toEqual(["free", "free", "free"]);
    await slots.reserve(1, { cap });
    expect(await slots.room(1, { cap })).toBe("reserved");
    expect(await slots.room(2, { cap })).toBe("campaign-full");
    expect(await slots.room(2, { cap: { organization: 1 }, organization: "ACME" })).toBe("organization-full");
    expect(await slots.room(2, { cap, day: "2026-03-11" })).toBe("free");
  });

  test("come back when they were not used, and stay taken when they were", async () => {
    const cap = { organization: 1 };
    await slots.reserve(1, { cap });
    await slots.giveBack(1);
    await slots.giveBack(1);
    expect(await slots.reserve(2, { cap })).toBe("reserved");
    await slots.used(2);
    await slots.giveBack(2);
    expect(await slots.reserve(1, { cap })).toBe("organization-full");
    expect(await slots.reserve(2, { cap })).toBe("organization-full");
  });

  test("begin anew each day, and one that was not used is given back for it", async () => {
    const cap = { organization: 1 };
    await slots.reserve(1, { cap });
    expect(await slots.reserve(1, { cap, day: "2026-03-11" })).toBe("reserved");
    expect(await slots.reserve(2, { cap, day: "2026-03-11" })).toBe("organization-full");
    expect(await slots.reserve(2, { cap })).toBe("reserved");
  });

  test("go with the transaction that took them", async () => {
    const failing = many.knex.transaction(async (transaction) => {
      await slots.reserve(1, { cap: { organization: 1 } }, transaction);
      throw new Error("the process died");
    });
    await expect(failing).rejects.toThrow("died");
    expect(await slots.reserve(2, { cap: { organization: 1 } })).toBe("reserved");
  });
});
