import { afterEach, beforeEach, expect, test } from "vitest";
import { executionReported, executionRequested } from "#eventing/execution.ts";
import { ticked } from "#eventing/tick.ts";
import { allFunctions } from "#functions/all.ts";
import { collectExecution } from "#functions/collect-execution/collect-execution.ts";
import { tick } from "#functions/tick/tick.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { openFunctionWorld, specText, type FunctionWorld } from "#shared/testing/function-world.ts";
import { executeTransform } from "./execute-transform.ts";

let world: FunctionWorld;
let event: BusEvent;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions });
  world.codeHost.addRepository({ owner: "acme", name: "api", files: { ".nvmrc": "22\n" } });
  await world.preview(specText());
  await world.settle({ stopBefore: executionRequested });
  event = world.announced(executionRequested);
});
afterEach(() => world.close());

const deliver = () => world.deliver(executeTransform, event);
const standings = async () => (await world.call("GET", "/campaigns/node-24")) as { standings: object };
const row = async () => {
  const { repositories } = (await world.call("GET", "/campaigns/node-24/repositories")) as { repositories: object[] };
  return repositories[0];
};
const task = () => world.stores.tasks.find(event.id);
/** Lets time pass, with a tick at its end. */
async function wait(ms: number): Promise<void> {
  world.clock.advance(ms);
  const id = `tick at ${world.clock.now().toISOString()}`;
  await world.deliver(tick, { id, source: "/ping", type: ticked.type, time: world.clock.now(), data: {} });
}

test("starts the steps on the base commit, and waits for whoever reports their end", async () => {
  expect(await deliver()).toBe(202);
  expect(world.sandbox.started).toMatchObject([
    { source: { owner: "acme", name: "api", branch: "main" }, steps: [{ image: "alpine:3" }] },
  ]);
  expect(world.sandbox.started[0]?.artifactPrefix).toMatch(/^node-24\/1\/1\/x-[0-9a-f]{32}\/1$/);
  expect(await task()).toMatchObject({ state: "awaiting", because: "its steps are running" });
  expect(await standings()).toMatchObject({ standings: { running: 1 } });
  await world.settle();
  expect(await task()).toMatchObject({ state: "done" });
});

test("one that waits for a place has not begun, and says what it waits for", async () => {
  world.sandbox.holdUp("a free place");
  await deliver();
  expect(await task()).toMatchObject({ state: "awaiting", because: "a free place" });
  expect(await standings()).toMatchObject({ standings: { pending: 1 } });
  await wait(60_000);
  await world.settle();
  expect(await task()).toMatchObject({ state: "done" });
  expect(world.sandbox.started).toHaveLength(1);
});

test("twice, or looked at again while it runs, starts it once", async () => {
  await Promise.all([deliver(), deliver()]);
  await deliver();
  await wait(60_000);
  await deliver();
  expect(world.sandbox.started).toHaveLength(1);
});

test("a transform that died with its machine is found missing a minute later, and started again", async () => {
  await deliver();
  world.sandbox.crash();
  await wait(59_000);
  await world.settle();
  expect(world.sandbox.started).toHaveLength(1);
  await wait(1_000);
  await world.settle();
  expect(world.sandbox.started).toHaveLength(2);
  expect(await standings()).toMatchObject({ standings: { unpublished: 1 } });
});

test("what was shown of a go that died is forgotten before the next one", async () => {
  await deliver();
  const attempt = { executionId: world.sandbox.started[0]?.executionId ?? "", attempt: 1 };
  await world.stores.liveLogs.append(attempt, [{ step: 0, offset: 0, bytes: Buffer.from("half a wo") }]);
  world.sandbox.crash();
  await wait(60_000);
  await world.settle({ stopBefore: executionReported });
  expect(world.sandbox.started).toHaveLength(2);
  expect((await world.stores.liveLogs.read(attempt, { step: 0, offset: 0 })).chunks).toEqual([]);
});

test("one that has ended, with its report lost, is reported", async () => {
  await deliver();
  await world.sandbox.finishAll();
  await world.database.database.knex("tasks").where({ type: executionReported.type }).delete();
  await wait(60_000);
  await world.settle();
  expect(await standings()).toMatchObject({ standings: { unpublished: 1 } });
});

test.each([
  ["after its end", "it has ended: patch", {}],
  ["about an attempt that was replaced", "attempt 2 has taken its place", { attempt: 2 }],
])("an event that comes %s is left alone", async (_, left, change) => {
  await deliver();
  await world.settle();
  const { knex } = world.database.database;
  if ("attempt" in change) await knex("executions").update(change);
  await knex("tasks").where({ id: event.id }).update({ state: "due", lease_until: null });
  expect(await deliver()).toBe(202);
  expect(world.logs.findLast((line) => "left" in line)).toMatchObject({ left });
  expect(world.sandbox.started).toHaveLength(1);
});

test("one that is lost for good ends with the reason, on its row", async () => {
  await deliver();
  const because = "The image alpine:3 cannot be pulled: there is none.";
  world.sandbox.lose({ kind: "infrastructure", step: 0, because, retryable: false });
  await wait(60_000);
  await world.settle();
  expect(await standings()).toMatchObject({ standings: { "execution-failed": 1 } });
  expect(await row()).toMatchObject({ because });
  expect(world.sandbox.started).toHaveLength(1);
});

test("one that the infrastructure lost is tried three times, each as another attempt", async () => {
  for (const attempt of [1, 2, 3]) {
    await world.deliver(executeTransform, world.announced(executionRequested));
    expect(world.sandbox.started).toHaveLength(attempt);
    world.sandbox.lose({ kind: "infrastructure", because: "Its pod was evicted.", retryable: true });
    await wait(60_000);
    await world.deliver(executeTransform, world.announced(executionRequested));
    await world.deliver(collectExecution, world.announced(executionReported));
  }
  expect(world.sandbox.started.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(await row()).toMatchObject({ standing: "execution-failed", because: "Its pod was evicted." });
});

test("what it waits for is shown while it waits", async () => {
  await deliver();
  world.sandbox.holdUp("no node takes its pod: 3 Insufficient memory");
  await wait(60_000);
  await deliver();
  expect(await row()).toMatchObject({ standing: "running", because: "no node takes its pod: 3 Insufficient memory" });
  world.sandbox.holdUp(undefined);
  await wait(60_000);
  await deliver();
  expect(await row()).toMatchObject({ because: "its steps are running" });
});

test("while the sandbox is down it waits in the table, and goes on when it is back", async () => {
  world.sandbox.goDown();
  expect(await deliver()).toBe(202);
  expect(await task()).toMatchObject({ state: "due", because: "The sandbox is down." });
  world.sandbox.comeBack();
  await wait(2_000);
  await world.settle();
  expect(await standings()).toMatchObject({ standings: { unpublished: 1 } });
});

test("is held while the campaign is paused, and not done at all once it was killed", async () => {
  world.sandbox.goDown();
  await deliver();
  world.sandbox.comeBack();
  await world.call("POST", "/campaigns/node-24/pause");
  await wait(60_000);
  await world.settle();
  await world.call("POST", "/campaigns/node-24/kill");
  expect(await deliver()).toBe(202);
  await world.settle();
  expect(world.sandbox.started).toEqual([]);
});

test("a kill that comes while it is being started ends it", async () => {
  const sandbox = { ...world.sandbox };
  const killed: Pick<typeof world.sandbox, "start"> = {
    async start(job) {
      await sandbox.start(job);
      await world.call("POST", "/campaigns/node-24/kill");
    },
  };
  Object.assign(world.sandbox, killed);
  expect(await deliver()).toBe(202);
  expect(world.sandbox.started).toHaveLength(1);
  expect(await world.sandbox.finishAll()).toBe(0);
  expect(await standings()).toMatchObject({ standings: { cancelled: 1 } });
});
