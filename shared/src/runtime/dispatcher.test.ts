import { afterEach, beforeEach, expect, test } from "vitest";
import { changesetNudged } from "#eventing/changeset.ts";
import { createManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { createMemoryEventBus } from "#shared/adapters/memory/memory-event-bus.ts";
import { createStores, type Stores } from "#shared/adapters/postgres/stores.ts";
import type { EventBus } from "#shared/ports/event-bus.ts";
import { taskFor } from "#shared/task/task.ts";
import type { TaskStore } from "#shared/task/task-store.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { createDispatcher } from "./dispatcher.ts";
import { createLogger } from "./logger.ts";

const clock = createManualClock(new Date("2026-03-02T09:00:00Z"));
let database: TestDatabase;
let stores: Stores;
beforeEach(async () => {
  database = await testDatabase();
  stores = createStores(database.database.knex, []);
});
afterEach(() => database.drop());

const dispatcherOver = (bus: EventBus, tasks: Pick<TaskStore, "claimDue" | "sent" | "notSent"> = stores.tasks) =>
  createDispatcher({
    tasks,
    bus,
    clock,
    limits: { [changesetNudged.type]: 10 },
    source: "/octobatch/test",
    log: createLogger("silent"),
  });

async function addTask(changesetId: string): Promise<string> {
  const where = { organization: "acme", notBefore: clock.now(), dedupe: [] };
  const task = taskFor(changesetNudged, { changesetId }, where);
  await stores.tasks.addAll([task], clock.now());
  return task.id;
}

test("announces what is due by an event with the task's id, subject and data, and marks it sent", async () => {
  const bus = createMemoryEventBus();
  const dispatcher = dispatcherOver(bus);
  const id = await addTask("c-1");
  dispatcher.kick();
  await dispatcher.idle();
  expect(bus.published).toMatchObject([
    { id, type: changesetNudged.type, source: "/octobatch/test", subject: "c-1", data: { changesetId: "c-1" } },
  ]);
  expect(await stores.tasks.find(id)).toMatchObject({ state: "sent" });
});

test("what the broker did not take is due again soon, with the reason", async () => {
  const bus = createMemoryEventBus();
  const dispatcher = dispatcherOver(bus);
  const id = await addTask("c-1");
  bus.goDown();
  dispatcher.kick();
  await dispatcher.idle();
  const notBefore = new Date(clock.now().getTime() + 5_000);
  expect(await stores.tasks.find(id)).toMatchObject({
    state: "due",
    notBefore,
    because: expect.stringContaining("bus is down"),
  });
  bus.comeBack();
  clock.advance(5_000);
  dispatcher.kick();
  await dispatcher.idle();
  expect(bus.published).toHaveLength(1);
});

test("one event that the broker refuses holds up no other", async () => {
  const bus = createMemoryEventBus();
  const refused = await addTask("c-refused");
  const id = await addTask("c-2");
  const dispatcher = dispatcherOver({
    publish: (event) => (event.id === refused ? Promise.reject(new Error("no")) : bus.publish(event)),
  });
  dispatcher.kick();
  await dispatcher.idle();
  expect(await stores.tasks.find(id)).toMatchObject({ state: "sent" });
  expect(await stores.tasks.find(refused)).toMatchObject({ state: "due", because: "no" });
});

test("what the broker took is written down for all together", async () => {
  const noted: (readonly string[])[] = [];
  const dispatcher = dispatcherOver(createMemoryEventBus(), {
    ...stores.tasks,
    async sent(...[ids, ...rest]) {
      noted.push(ids);
      await stores.tasks.sent(ids, ...rest);
    },
  });
  const first = await addTask("c-1");
  dispatcher.kick();
  const second = await addTask("c-2");
  dispatcher.kick();
  await dispatcher.idle();
  expect(noted.map((ids) => ids.toSorted())).toEqual([[first, second].toSorted()]);
});

test("what cannot be written down of it ends nothing: the task is sent again after its lease", async () => {
  const bus = createMemoryEventBus();
  const dispatcher = dispatcherOver(bus, {
    ...stores.tasks,
    sent: () => Promise.reject(new Error("the connection was reset")),
  });
  const id = await addTask("c-1");
  dispatcher.kick();
  await dispatcher.idle();
  expect(await stores.tasks.find(id)).toMatchObject({ state: "releasing" });
  clock.advance(30_000);
  expect(await stores.tasks.recover(clock.now(), 25)).toMatchObject({ recovered: 1 });
  dispatcher.kick();
  await dispatcher.idle();
  expect(bus.published).toHaveLength(2);
});

test("kicked while it works, it looks once more, and never does two things at once", async () => {
  let looking = 0;
  let looks = 0;
  const first = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const dispatcher = dispatcherOver(createMemoryEventBus(), {
    ...stores.tasks,
    async claimDue() {
      looks += 1;
      looking += 1;
      expect(looking).toBe(1);
      first.resolve();
      await go.promise;
      looking -= 1;
      return [];
    },
  });
  dispatcher.kick();
  await first.promise;
  dispatcher.kick();
  dispatcher.kick();
  go.resolve();
  await dispatcher.idle();
  expect(looks).toBe(2);
});

test("a database that is gone ends the round; the next kick tries again", async () => {
  const bus = createMemoryEventBus();
  let broken = true;
  const dispatcher = dispatcherOver(bus, {
    ...stores.tasks,
    claimDue: (...limits) =>
      broken ? Promise.reject(new Error("the connection was reset")) : stores.tasks.claimDue(...limits),
  });
  await addTask("c-1");
  dispatcher.kick();
  await dispatcher.idle();
  broken = false;
  dispatcher.kick();
  await dispatcher.idle();
  expect(bus.published).toHaveLength(1);
});
