import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createManualClock, type ManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { createMemoryHostApp, type MemoryHostApp } from "#shared/adapters/memory/memory-host-app.ts";
import { createDeliveryStore } from "#shared/adapters/postgres/code-host-stores.ts";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import type { FailedDelivery, HostApp } from "#shared/ports/host-app.ts";
import { later, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { deliverySweepEveryMs, planDelivery, sweepDeliveries } from "./sweep-deliveries.ts";

const minute = 60_000;

function aFailure(parts: Partial<FailedDelivery> = {}): FailedDelivery {
  const attemptedAt = later(-minute);
  return { guid: "g", attemptId: "1", event: "pull_request", attempts: 1, attemptedAt, because: "502", ...parts };
}

describe("a delivery that failed", () => {
  const minutesAgo = (minutes: number) => later(-minutes * minute);

  test.each<[string, Partial<FailedDelivery>, object]>([
    ["a minute ago, for the first time, is made again", {}, { kind: "redeliver" }],
    ["seconds ago has its time", { attemptedAt: later(-59_999) }, { because: "attempt 2 has its time" }],
    ["twice waits four minutes", { attempts: 2, attemptedAt: minutesAgo(3.9) }, { because: "attempt 3 has its time" }],
    ["twice is made again after four minutes", { attempts: 2, attemptedAt: minutesAgo(4) }, { kind: "redeliver" }],
    ["five times waits four hours", { attempts: 5, attemptedAt: minutesAgo(255) }, { kind: "leave" }],
    ["five times is made once more", { attempts: 5, attemptedAt: minutesAgo(256) }, { kind: "redeliver" }],
    ["two days ago is made again", { attemptedAt: minutesAgo(2 * 24 * 60) }, { kind: "redeliver" }],
    [
      "six times is given up, which is new",
      { attempts: 6, attemptedAt: minutesAgo(5) },
      { kind: "give-up", isNew: true },
    ],
    ["six times is given up still", { attempts: 6, attemptedAt: minutesAgo(10) }, { kind: "give-up", isNew: false }],
    ["in the future, by a clock that is ahead, has its time", { attemptedAt: later(minute) }, { kind: "leave" }],
    ["of an event that nobody heeds is left", { event: "star" }, { because: "nothing depends on star events" }],
  ])("%s", (_, parts, plan) => {
    expect(planDelivery(aFailure(parts), false, noon)).toMatchObject(plan);
  });

  test("and was processed since is left, however often it failed", () => {
    for (const attempts of [1, 6]) {
      const plan = planDelivery(aFailure({ attempts }), true, noon);
      expect(plan).toEqual({ kind: "leave", because: "a later attempt was processed" });
    }
  });
});

describe("the sweep of deliveries", () => {
  let db: TestDatabase;
  let clock: ManualClock;
  let hostApp: MemoryHostApp;
  beforeEach(async () => {
    db = await testDatabase();
    clock = createManualClock(noon);
    hostApp = createMemoryHostApp({ clock });
    hostApp.answerWebhooksWith(503);
  });
  afterEach(() => db.drop());

  const store = () => createDeliveryStore(db.database.knex);
  const sweep = (of: HostApp = hostApp) => sweepDeliveries({ hostApp: of, deliveries: store(), clock }, clock.now());
  const next = () => {
    clock.advance(deliverySweepEveryMs);
    return sweep();
  };
  const process = (guid: string) =>
    store().add({ id: guid, event: "pull_request", receivedAt: clock.now(), outcome: "looked at" });
  const nothing = { redelivered: [], refused: [], givenUp: [] };

  test("finds nothing to do when all arrived", async () => {
    hostApp.answerWebhooksWith(202);
    hostApp.sendWebhook("pull_request");
    expect(await next()).toEqual(nothing);
  });

  test("has what failed made again, and leaves it once it was processed", async () => {
    const guid = hostApp.sendWebhook("pull_request");
    hostApp.answerWebhooksWith(202);
    expect((await next()).redelivered).toMatchObject([{ guid, because: "503 Failed" }]);
    await process(guid);
    expect(await next()).toEqual(nothing);
    expect(hostApp.redelivered).toEqual([guid]);
  });

  test("has it made again although GitHub counts it as delivered, when we know nothing of it", async () => {
    const guid = hostApp.sendWebhook("push");
    hostApp.answerWebhooksWith(202);
    await next();
    await next();
    expect(hostApp.redelivered).toEqual([guid, guid]);
  });

  test("comes to the same when two of them run at once", async () => {
    const guid = hostApp.sendWebhook("pull_request");
    clock.advance(deliverySweepEveryMs);
    await Promise.all([sweep(), sweep()]);
    expect(hostApp.redelivered).toEqual([guid, guid]);
    expect(await process(guid)).toBe(true);
    expect(await process(guid)).toBe(false);
    expect(await next()).toEqual(nothing);
  });

  test("tries six times within hours, says once that it gives up, and then asks no more", async () => {
    const guid = hostApp.sendWebhook("pull_request");
    const said: string[] = [];
    for (let minutes = 0; minutes < 24 * 60; minutes += 5) {
      for (const { guid } of (await next()).givenUp) said.push(guid);
    }
    expect(hostApp.redelivered).toEqual(Array.from({ length: 5 }, () => guid));
    expect(said).toEqual([guid]);
  });

  test("asks for a hundred at once, the newest first, and for the rest the next time", async () => {
    const guids = Array.from({ length: 130 }, () => hostApp.sendWebhook("pull_request"));
    hostApp.answerWebhooksWith(202);
    const first = (await next()).redelivered.map(({ guid }) => guid);
    expect(first).toEqual(guids.slice(30).toReversed());
    for (const guid of first) await process(guid);
    expect((await next()).redelivered.map(({ guid }) => guid)).toEqual(guids.slice(0, 30).toReversed());
  });

  test("stops after a minute when GitHub is slow, and goes on the next time", async () => {
    const guids = Array.from({ length: 5 }, () => hostApp.sendWebhook("pull_request"));
    clock.advance(deliverySweepEveryMs);
    const slow: HostApp = {
      ...hostApp,
      async redeliver(attemptId) {
        clock.advance(25_000);
        await hostApp.redeliver(attemptId);
      },
    };
    expect((await sweep(slow)).redelivered.map(({ guid }) => guid)).toEqual(guids.slice(2).toReversed());
    expect((await sweep()).redelivered.map(({ guid }) => guid)).toEqual(guids.slice(0, 2).toReversed());
  });

  test.each(["not-found", "invalid"] as const)("one that GitHub refuses (%s) stops no other, once", async (kind) => {
    const [older, newer] = [hostApp.sendWebhook("push"), hostApp.sendWebhook("push")];
    hostApp.failNext("redeliver", new CodeHostRefused(kind, "It is gone."));
    const { redelivered, refused } = await next();
    expect(refused).toMatchObject([{ delivery: { guid: newer }, because: "It is gone." }]);
    expect(redelivered).toMatchObject([{ guid: older }]);
    expect((await next()).refused).toEqual([]);
    const rows = await db.database.knex("webhook_deliveries");
    expect(rows).toMatchObject([{ id: newer, event: "push", outcome: "not made again: It is gone." }]);
  });

  test.each<[string, Error]>([
    ["wants to wait", new CodeHostBusy("Wait.", later(minute))],
    ["is out of order", new CodeHostUnavailable("It is broken.")],
    ["does not know the key", new CodeHostRefused("bad-credentials", "Another key.")],
  ])("ends when GitHub %s, and goes on the next time", async (_, error) => {
    const [older, newer] = [hostApp.sendWebhook("push"), hostApp.sendWebhook("push")];
    hostApp.failNext("redeliver", error);
    await expect(next()).rejects.toBe(error);
    expect(hostApp.redelivered).toEqual([]);
    expect((await next()).redelivered.map(({ guid }) => guid)).toEqual([newer, older]);
  });
});
