import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CampaignHeld } from "#shared/campaign/campaign-store.ts";
import type { CampaignState } from "#shared/campaign/campaign.ts";
import { Conflict, Rejected } from "#shared/errors.ts";
import { hashOf } from "#shared/hash.ts";
import { aSpecVersion, later, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { createCampaignStore, createMutationGate } from "./campaign-store.ts";
import { openDatabase, type Database } from "./database.ts";

let db: TestDatabase;
let many: Database;
beforeEach(async () => {
  db = await testDatabase();
  many = openDatabase({ url: db.url, poolSize: 12 });
});
afterEach(async () => {
  await many.close();
  await db.drop();
});

const campaigns = () => createCampaignStore(db.database.knex);
const apply = (specHash: string, sql = many.knex) =>
  sql.transaction((transaction) =>
    createCampaignStore(transaction).apply(aSpecVersion({ specHash: hashOf(specHash) })),
  );
const steer = (status: CampaignState["status"]) =>
  many.knex.transaction(async (transaction) => {
    const store = createCampaignStore(transaction);
    await store.save({ ...(await store.get("tidy")), state: { status } }, noon);
  });

describe("applying a spec", () => {
  test("makes the campaign and keeps the version, raw and normalized, with who applied it", async () => {
    const applied = aSpecVersion();
    const { version, changed } = await campaigns().apply(applied);
    const { normalized: _, ...kept } = applied;
    expect(changed).toBe(true);
    expect(await campaigns().specVersion("tidy", 1)).toEqual({ ...kept, number: 1 });
    expect(version).toMatchObject({ number: 1, appliedBy: "ana" });
    expect(await campaigns().get("tidy")).toMatchObject({
      state: { status: "active" },
      currentVersion: 1,
      createdAt: noon,
    });
  });

  test("twice stores it once, and keeps who was first", async () => {
    await apply("one");
    const again = await campaigns().apply(aSpecVersion({ specHash: hashOf("one"), appliedBy: "bo" }));
    expect(again).toMatchObject({ changed: false, version: { number: 1, appliedBy: "ana" } });
    expect(await campaigns().specVersions("tidy")).toHaveLength(1);
  });

  test("that is an earlier one again is a new version", async () => {
    for (const hash of ["one", "two", "one"]) await apply(hash);
    expect((await campaigns().specVersions("tidy")).map(({ specHash }) => specHash)).toEqual(
      ["one", "two", "one"].map((hash) => hashOf(hash)),
    );
    expect((await campaigns().get("tidy")).currentVersion).toBe(3);
  });

  test("by many at once numbers the versions without a gap", async () => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => apply(`spec ${index}`)));
    const numbers = (await campaigns().specVersions("tidy")).map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect((await campaigns().get("tidy")).currentVersion).toBe(20);
  });

  test("of the same by many at once stores one", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => apply("same")));
    expect(answers.filter(({ changed }) => changed)).toHaveLength(1);
    expect(await campaigns().specVersions("tidy")).toHaveLength(1);
  });

  test("to a campaign that was killed is refused and stores nothing", async () => {
    await apply("one");
    await steer("killed");
    await expect(apply("two")).rejects.toMatchObject({ name: "Rejected", code: "conflict" });
    expect(await campaigns().specVersions("tidy")).toHaveLength(1);
  });
});

describe("a campaign", () => {
  test("that is not there is not found, nor is a version that it has not", async () => {
    await expect(campaigns().get("nobody")).rejects.toBeInstanceOf(Rejected);
    await apply("one");
    await expect(campaigns().specVersion("tidy", 2)).rejects.toBeInstanceOf(Rejected);
  });

  test("is listed, the newest first", async () => {
    await campaigns().apply(aSpecVersion({ campaign: "old" }));
    await campaigns().apply(aSpecVersion({ campaign: "new", appliedAt: later(1_000) }));
    expect((await campaigns().list()).map(({ name }) => name)).toEqual(["new", "old"]);
  });

  test("is written only by who has read it last", async () => {
    await apply("one");
    const read = await campaigns().get("tidy");
    await steer("paused");
    const save = many.knex.transaction((transaction) =>
      createCampaignStore(transaction).save({ ...read, state: { status: "killed" } }, noon),
    );
    await expect(save).rejects.toBeInstanceOf(Conflict);
    expect((await campaigns().get("tidy")).state).toEqual({ status: "paused" });
  });
});

describe("the mutation gate", () => {
  beforeEach(async () => {
    await apply("one");
  });
  const gate = () => createMutationGate(many.knex);

  test("runs a mutation of an active campaign and hands its answer and its error through", async () => {
    expect(await gate().whileActive("tidy", async () => "done")).toBe("done");
    const failing = gate().whileActive("tidy", async () => {
      throw new Error("it broke");
    });
    await expect(failing).rejects.toThrow("it broke");
    await expect(gate().whileActive("nobody", async () => "done")).rejects.toBeInstanceOf(Rejected);
  });

  test.each(["paused", "killed"] as const)("begins none of a campaign that is %s", async (status) => {
    await steer(status);
    let begun = false;
    const mutation = gate().whileActive("tidy", async () => {
      begun = true;
    });
    await expect(mutation).rejects.toEqual(new CampaignHeld("tidy", status));
    expect(begun).toBe(false);
  });

  test("lets a pause wait for the mutation under way, and begins none after it", async () => {
    const events: string[] = [];
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    const mutation = gate().whileActive("tidy", async () => {
      begun.resolve();
      await end.promise;
      events.push("mutated");
    });
    await begun.promise;
    const pause = steer("paused").then(() => events.push("paused"));
    await until(async () => (await waiting()) === 1);
    // It asks after the pause did, so it is behind it, though the mutation under way would let it in.
    const late = gate().whileActive("tidy", async () => void events.push("mutated too late"));
    await until(async () => (await waiting()) === 2);
    end.resolve();
    await Promise.all([mutation, pause, expect(late).rejects.toBeInstanceOf(CampaignHeld)]);
    expect(events).toEqual(["mutated", "paused"]);
  });

  test("lets a pause through a stream of mutations that never ends by itself", async () => {
    let isPaused = false;
    let after = 0;
    const worker = async () => {
      for (;;) {
        try {
          await gate().whileActive("tidy", async () => {
            if (isPaused) after += 1;
            await many.knex.raw("SELECT pg_sleep(0.02)");
          });
        } catch (error) {
          if (error instanceof CampaignHeld) return;
          throw error;
        }
      }
    };
    const workers = Array.from({ length: 4 }, worker);
    await steer("paused");
    isPaused = true;
    await Promise.all(workers);
    expect(after).toBe(0);
  });

  test("lets mutations of one campaign run side by side, and those of others be", async () => {
    await campaigns().apply(aSpecVersion({ campaign: "other" }));
    await steer("paused");
    const answer = await gate().whileActive("other", () => gate().whileActive("other", async () => "side by side"));
    expect(answer).toBe("side by side");
  });

  /** How many sessions wait for a lock. */
  async function waiting(): Promise<number> {
    const answer = await db.database.knex.raw<{ rows: { waiting: number }[] }>(
      "SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted",
    );
    return answer.rows[0]?.waiting ?? 0;
  }
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setImmediate();
}
