import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { changesetNudged } from "#eventing/changeset.ts";
import { defineEvent } from "#eventing/event-type.ts";
import { CampaignHeld } from "#shared/campaign/campaign-store.ts";
import { Conflict, Rejected, RetryLater, Unprocessable } from "#shared/errors.ts";
import { BlobStoreUnavailable } from "#shared/ports/blob-store.ts";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { SandboxUnavailable } from "#shared/ports/sandbox.ts";
import { taskFor } from "#shared/task/task.ts";
import { openFunctionWorld, type FunctionWorld } from "#shared/testing/function-world.ts";
import type { CapabilityName, Granted } from "./capabilities.ts";
import { defineFunction, type Outcome } from "./define-function.ts";
import { createEventHandler, maxFailures } from "./handle-event.ts";

const needs = ["changesets", "tasks", "clock"] as const satisfies readonly CapabilityName[];
type Handle = (data: { changesetId: string }, capabilities: Granted<(typeof needs)[number]>) => Promise<Outcome>;

let world: FunctionWorld;
let handle: Handle;
const probe = defineFunction({
  name: "probe",
  on: changesetNudged,
  needs,
  handle: (data, capabilities) => handle(data, capabilities),
});
const fails = (thrown: unknown): Handle => {
  return async () => {
    throw thrown;
  };
};
const at = (secondsFromNow: number) => new Date(world.clock.now().getTime() + secondsFromNow * 1000);

/** A task, and the event that announces it. */
async function asked(subject = "c-1", notBefore = world.clock.now()): Promise<BusEvent> {
  const data = { changesetId: subject };
  const task = taskFor(changesetNudged, data, { organization: "acme", notBefore, dedupe: [] });
  await world.stores.tasks.addAll([task], world.clock.now());
  return { id: task.id, source: "/test", type: task.type, subject, time: world.clock.now(), data };
}
const taskOf = ({ id }: BusEvent) => world.stores.tasks.find(id);

beforeEach(async () => {
  world = await openFunctionWorld({ functions: [probe] });
  handle = async () => ({ did: "all of it" });
});
afterEach(() => world.close());

describe("how it ends", () => {
  test("what was done, and what was left alone, is finished", async () => {
    const event = await asked();
    expect(await world.deliver(probe, event)).toBe(202);
    expect(await taskOf(event)).toMatchObject({ state: "done", attempts: 1 });
    handle = async () => ({ left: "it is gone" });
    const other = await asked("c-2");
    expect(await world.deliver(probe, other)).toBe(202);
    expect(await taskOf(other)).toMatchObject({ state: "done" });
  });

  test("what goes on elsewhere waits, with what it waits for, and is looked at again after its time", async () => {
    handle = async () => ({ awaiting: "its steps", recheckAfterMs: 60_000 });
    const event = await asked();
    expect(await world.deliver(probe, event)).toBe(202);
    expect(await taskOf(event)).toMatchObject({ state: "awaiting", because: "its steps" });
    world.clock.advance(59_999);
    expect(await world.stores.tasks.recover(world.clock.now(), maxFailures)).toMatchObject({ recovered: 0 });
    world.clock.advance(1);
    expect(await world.stores.tasks.recover(world.clock.now(), maxFailures)).toMatchObject({ recovered: 1 });
  });

  test.each([
    ["RetryLater", () => new RetryLater(at(90), "not yet"), 90, 0],
    ["CodeHostBusy", () => new CodeHostBusy("not yet", at(40)), 40, 0],
    ["CampaignHeld", () => new CampaignHeld("node-24", "paused"), 0, 0],
    ["CodeHostUnavailable", () => new CodeHostUnavailable("502"), 1, 1],
    ["SandboxUnavailable", () => new SandboxUnavailable("no room"), 1, 1],
    ["BlobStoreUnavailable", () => new BlobStoreUnavailable("disk is gone"), 1, 1],
    ["a Conflict that stays", () => new Conflict("somebody else wrote"), 1, 1],
  ])(
    "%s is answered 202 and kept in the table until its time, with the reason",
    async (_, error, seconds, failures) => {
      const thrown = error();
      handle = fails(thrown);
      const event = await asked();
      expect(await world.deliver(probe, event)).toBe(202);
      expect(await taskOf(event)).toMatchObject({ because: thrown.message, notBefore: at(seconds), failures });
    },
  );

  test.each([
    ["Unprocessable", new Unprocessable("it can never be")],
    ["Rejected", new Rejected("not-found", "There is no changeset.")],
    ["CodeHostRefused", new CodeHostRefused("archived", "It is archived.")],
  ])("%s is answered 422: never again", async (_, error) => {
    handle = fails(error);
    const event = await asked();
    expect(await world.deliver(probe, event)).toBe(422);
    expect(await taskOf(event)).toMatchObject({ state: "sent", because: error.message });
  });

  test.each([
    ["an error", new TypeError("x is undefined"), "x is undefined"],
    ["no error at all", "a string", "a string"],
  ])(
    "anything else that is thrown, %s, is answered 500 and done again when it is delivered again",
    async (_, thrown, because) => {
      handle = fails(thrown);
      const event = await asked();
      expect(await world.deliver(probe, event)).toBe(500);
      expect(await taskOf(event)).toMatchObject({ state: "sent", because });
      handle = async () => ({ did: "it now" });
      expect(await world.deliver(probe, event)).toBe(202);
      expect(await taskOf(event)).toMatchObject({ state: "done", attempts: 2 });
    },
  );

  test("a lost race is read again, at once", async () => {
    let tries = 0;
    handle = async () => {
      tries += 1;
      if (tries < 3) throw new Conflict("somebody else wrote");
      return { did: "it" };
    };
    const event = await asked();
    expect(await world.deliver(probe, event)).toBe(202);
    expect(tries).toBe(3);
    expect(await taskOf(event)).toMatchObject({ state: "done", attempts: 1 });
  });

  test("each time a system is found out of order the wait doubles, up to a quarter of an hour, and then it is over", async () => {
    handle = fails(new CodeHostUnavailable("502"));
    const event = await asked();
    const waits: number[] = [];
    for (let attempt = 1; attempt < maxFailures; attempt += 1) {
      expect(await world.deliver(probe, event)).toBe(202);
      const due = (await taskOf(event))?.notBefore ?? at(0);
      waits.push((due.getTime() - world.clock.now().getTime()) / 1000);
      world.clock.set(due);
    }
    expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8]);
    expect(waits.at(-1)).toBe(900);
    expect(await world.deliver(probe, event)).toBe(422);
  });

  test("a month of waiting for its turn costs a task nothing: what goes wrong then is its first failure", async () => {
    const event = await asked();
    for (let day = 1; day <= 30; day += 1) {
      const tomorrow = at(24 * 60 * 60);
      handle = fails(new RetryLater(tomorrow, "the daily cap is reached"));
      expect(await world.deliver(probe, event)).toBe(202);
      world.clock.set(tomorrow);
    }
    handle = fails(new CodeHostUnavailable("502"));
    expect(await world.deliver(probe, event)).toBe(202);
    expect(await taskOf(event)).toMatchObject({ state: "due", attempts: 31, failures: 1, notBefore: at(1) });
    world.clock.advance(1_000);
    handle = async () => ({ did: "it" });
    expect(await world.deliver(probe, event)).toBe(202);
    expect(await taskOf(event)).toMatchObject({ state: "done" });
  });
});

describe("when there is nothing to do", () => {
  test("an event whose task is finished, not yet due, or unknown is answered 202 and the function does not run", async () => {
    let ran = 0;
    handle = async () => {
      ran += 1;
      return { did: "it" };
    };
    const done = await asked();
    await world.deliver(probe, done);
    const later = await asked("c-later", at(60));
    const unknown = { ...done, id: "00000000-0000-8000-8000-000000000000" };
    for (const event of [done, later, unknown, { ...done, id: "no uuid" }]) {
      expect(await world.deliver(probe, event)).toBe(202);
    }
    expect(ran).toBe(1);
    expect(await taskOf(later)).toMatchObject({ state: "due", attempts: 0 });
  });

  test("an event that carries the id of another type's task leaves that task to its own function", async () => {
    const other = defineEvent("probe.other", 1, { id: z.string() }, ({ id }) => id);
    const task = taskFor(other, { id: "x" }, { organization: "acme", notBefore: at(0), dedupe: [] });
    await world.stores.tasks.addAll([task], at(0));
    let ran = false;
    handle = async () => {
      ran = true;
      return { did: "it" };
    };
    const event = { ...(await asked()), id: task.id };
    expect(await world.deliver(probe, event)).toBe(202);
    expect(ran).toBe(false);
    expect((await world.stores.tasks.find(task.id))?.state).not.toBe("done");
  });

  test("the same event twice at the same moment runs once", async () => {
    const running = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    let ran = 0;
    handle = async () => {
      ran += 1;
      running.resolve();
      await finish.promise;
      return { did: "it" };
    };
    const event = await asked();
    const first = world.deliver(probe, event);
    await running.promise;
    expect(await world.deliver(probe, event)).toBe(202);
    finish.resolve();
    expect(await first).toBe(202);
    expect(ran).toBe(1);
  });

  test("data that is not what the event's schema says is refused for good, and says which field", async () => {
    const event = { ...(await asked()), data: { changesetId: 7 } };
    expect(await world.deliver(probe, event)).toBe(422);
    expect((await taskOf(event))?.because).toContain("changesetId");
  });
});

describe("a worker that was presumed dead", () => {
  test("does not finish the task that another has begun since", async () => {
    const running = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    handle = async () => {
      running.resolve();
      await finish.promise;
      return { did: "it, too late" };
    };
    const event = await asked();
    const slow = world.deliver(probe, event);
    await running.promise;
    world.clock.advance(5 * 60_000);
    handle = async () => ({ awaiting: "its steps", recheckAfterMs: 60_000 });
    expect(await world.deliver(probe, event)).toBe(202);
    finish.resolve();
    expect(await slow).toBe(202);
    expect(await taskOf(event)).toMatchObject({ state: "awaiting", attempts: 2 });
  });
});

describe("what a function gets", () => {
  test("is what it needs and nothing else, in a transaction too", async () => {
    let granted: object = {};
    let inTransaction: object = {};
    handle = async (_, capabilities) => {
      granted = capabilities;
      await capabilities.transact(async (stores) => {
        inTransaction = stores;
      });
      return { did: "it" };
    };
    await world.deliver(probe, await asked());
    expect(Object.keys(granted).sort()).toEqual([...needs, "log", "transact"].sort());
    expect(Object.keys(inTransaction).sort()).toEqual(["changesets", "tasks"]);
  });

  test("writes in a transaction all or nothing", async () => {
    handle = (_, { transact, clock }) =>
      transact(async ({ tasks }) => {
        const where = { organization: "acme", notBefore: clock.now(), dedupe: ["follows"] };
        await tasks.addAll([taskFor(changesetNudged, { changesetId: "c-9" }, where)], clock.now());
        throw new Error("the process died");
      });
    await world.deliver(probe, await asked());
    expect(await world.database.database.knex("tasks").where({ subject: "c-9" })).toEqual([]);
  });
});

describe("its log", () => {
  test("carries the function, the task and the ids of what it is about, on every line", async () => {
    handle = async () => {
      throw new Conflict("somebody else wrote");
    };
    const event = await asked("c-42");
    await world.deliver(probe, event);
    const lines = world.logs.filter((line) => line["function"] === "probe");
    expect(lines.length).toBeGreaterThan(4);
    for (const line of lines) expect(line).toMatchObject({ task: event.id, event: event.id, changesetId: "c-42" });
  });

  test("says what became of it, with the error and its causes", async () => {
    handle = fails(new Error("could not save", { cause: new Error("disk full") }));
    await world.deliver(probe, await asked());
    const line = world.logs.find(({ verdict }) => verdict === "unexpected");
    expect(line).toMatchObject({ level: "error", msg: "could not save" });
    expect(JSON.stringify(line)).toContain("disk full");
  });
});

test("a database that is gone in the middle is answered 500, so that the broker delivers again", async () => {
  const event = await asked();
  const { clock, log, opened } = world;
  const tasks = { ...world.stores.tasks, finish: () => Promise.reject(new Error("the connection was reset")) };
  const handler = createEventHandler({ definition: probe, capabilities: opened.grant(needs), tasks, clock, log });
  expect(await handler(event)).toEqual({ status: 500, because: "the connection was reset" });
});
