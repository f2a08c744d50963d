import { afterEach, beforeEach, expect, test } from "vitest";
import { changesetReady } from "#eventing/changeset.ts";
import { executionReported, executionRequested } from "#eventing/execution.ts";
import { selectionPageRequested } from "#eventing/selection.ts";
import { allFunctions } from "#functions/all.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { openFunctionWorld, specText, type FunctionWorld } from "#shared/testing/function-world.ts";
import { bury } from "./bury.ts";

let world: FunctionWorld;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions });
  world.codeHost.addRepository({ owner: "acme", name: "api", files: { ".nvmrc": "22\n" } });
  await world.preview(specText());
});
afterEach(() => world.close());

/** The event as the broker hands it over when it has given up. */
const dead = (event: BusEvent, code: string | undefined, data = ""): BusEvent => ({
  ...event,
  extensions: {
    ...event.extensions,
    knativeerrordest: "http://function.test/",
    ...(code === undefined ? {} : { knativeerrorcode: code, knativeerrordata: Buffer.from(data).toString("base64") }),
  },
});
const letters = () => world.database.database.knex("dead_letters");
const status = () => world.call("GET", "/campaigns/node-24");

test("a selection that can never be read ends its run, with the reason, and the letter is kept", async () => {
  const event = world.announced(selectionPageRequested);
  expect(await world.deliver(bury, dead(event, "422", "not \0 there"))).toBe(202);
  expect(await letters()).toMatchObject([
    { event_id: event.id, error_code: "422", error_data: "not \uFFFD there", destination: "http://function.test/" },
  ]);
  expect(await status()).toMatchObject({
    run: { finished: true, failure: expect.stringContaining("422") },
    deadTasks: [{ type: selectionPageRequested.type }],
  });
});

test("an execution that can never be run says why", async () => {
  await world.settle({ stopBefore: executionRequested });
  await world.deliver(bury, dead(world.announced(executionRequested), "422"));
  expect(await status()).toMatchObject({ standings: { "execution-failed": 1 }, run: { finished: true } });
});

test("a changeset that can never be published says why", async () => {
  await world.settle();
  await world.call("POST", "/campaigns/node-24/publications");
  await world.deliver(bury, dead(world.announced(changesetReady), "422"));
  expect(await status()).toMatchObject({ standings: { failed: 1 } });
});

test("a function that was not there, or broke, has the table deliver again: its task goes on", async () => {
  await world.settle({ stopBefore: executionRequested });
  const event = world.announced(executionRequested);
  for (const code of [undefined, "500", "503", "404", "408", "409", "429"])
    expect(await world.deliver(bury, dead(event, code))).toBe(202);
  expect(await world.stores.tasks.find(event.id)).toMatchObject({ state: "sent" });
  expect(await letters()).toHaveLength(1);
});

test("what failed ten times in a row is given up, with what it last died of", async () => {
  await world.settle({ stopBefore: executionReported });
  const event = world.announced(executionReported);
  await world.database.database.knex("tasks").where({ id: event.id }).update({ failures: 10, because: "no such blob" });
  await world.deliver(bury, dead(event, "500"));
  expect(await status()).toMatchObject({
    deadTasks: [{ because: "no such blob" }],
    standings: { "execution-failed": 1 },
  });
});

test("twice, or after the task was finished, changes nothing more", async () => {
  await world.settle();
  const event = world.announced(executionReported);
  const before = await status();
  await world.deliver(bury, dead(event, "422"));
  await world.deliver(bury, dead(event, "422"));
  expect(await status()).toEqual(before);
  expect(await letters()).toHaveLength(1);
});

test("a letter about nothing we know is kept, and a tick's is not", async () => {
  const time = world.clock.now();
  const foreign = { id: "1", source: "/elsewhere", type: "com.example.thing", time, data: { a: 1 } };
  expect(await world.deliver(bury, dead(foreign, "404"))).toBe(202);
  const lateTick = { id: "2", source: "/ping", type: "dev.knative.sources.ping", time, data: {} };
  expect(await world.deliver(bury, dead(lateTick, "503"))).toBe(202);
  expect((await letters()).map(({ type }: { type: string }) => type)).toEqual(["com.example.thing"]);
});

test("a crash between the letter and the task leaves neither, and the next delivery does both", async () => {
  await world.settle({ stopBefore: executionRequested });
  const event = world.announced(executionRequested);
  const { knex } = world.database.database;
  await knex.raw("ALTER TABLE executions RENAME TO lost");
  expect(await world.deliver(bury, dead(event, "422"))).toBe(500);
  expect(await letters()).toEqual([]);
  await knex.raw("ALTER TABLE lost RENAME TO executions");
  expect(await world.deliver(bury, dead(event, "422"))).toBe(202);
  expect(await world.stores.tasks.find(event.id)).toMatchObject({ state: "dead" });
});
