import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changesetNudged } from "#eventing/changeset.ts";
import { executionRequested } from "#eventing/execution.ts";
import { ticked } from "#eventing/tick.ts";
import { allFunctions } from "#functions/all.ts";
import { openFunctionWorld, specText, type FunctionWorld } from "#shared/testing/function-world.ts";
import { tick } from "./tick.ts";

let world: FunctionWorld;
let ticks = 0;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions });
  world.codeHost.addRepository({ owner: "acme", name: "api", files: { ".nvmrc": "22\n" } });
  await world.preview(specText());
});
afterEach(() => world.close());

function deliver(): Promise<number> {
  ticks += 1;
  return world.deliver(tick, { id: `${ticks}`, source: "/ping", type: ticked.type, time: world.clock.now(), data: {} });
}
const announcedOf = (type: { readonly type: string }) =>
  world.bus.published.filter((event) => event.type === type.type);

describe("a tick", () => {
  test("announces again what the broker lost, and what is done stays done", async () => {
    await world.settle({ stopBefore: executionRequested });
    const [lost] = announcedOf(executionRequested);
    await deliver();
    expect(announcedOf(executionRequested)).toHaveLength(1);
    world.clock.advance(2 * 60_000);
    expect(await deliver()).toBe(202);
    expect(announcedOf(executionRequested).map(({ id }) => id)).toEqual([lost?.id, lost?.id]);
    await world.settle();
    world.clock.advance(24 * 60 * 60_000);
    await deliver();
    expect(announcedOf(executionRequested)).toHaveLength(2);
  });

  test("gives up what has failed too often in a row, and says so on the execution; one that cannot be given up holds up no other", async () => {
    world.codeHost.addRepository({ owner: "acme", name: "web", files: { ".nvmrc": "22\n" } });
    await world.settle({ stopBefore: executionRequested });
    const { knex } = world.database.database;
    const lost = { failures: 25, because: "the process died" };
    await knex("tasks").where({ type: executionRequested.type }).update(lost);
    await knex("tasks")
      .where({ id: announcedOf(executionRequested)[0]?.id })
      .update({ data: "{}" });
    world.clock.advance(10 * 60_000);
    expect(await deliver()).toBe(202);
    const status = await world.call("GET", "/campaigns/node-24");
    expect(status).toMatchObject({
      standings: { pending: 1, "execution-failed": 1 },
      deadTasks: [{ type: executionRequested.type, because: "the process died" }],
    });
    expect(JSON.stringify(world.logs)).toContain("a lost task could not be given up");
  });
});

describe("the sweep", () => {
  beforeEach(async () => {
    await world.settle();
    await world.call("POST", "/campaigns/node-24/publications");
    await world.settle();
  });

  test("compares each open pull request every quarter of an hour, though no webhook came, however often it ticks", async () => {
    world.codeHost.mergeAsHuman("acme/api", 1);
    await deliver();
    expect(announcedOf(changesetNudged)).toEqual([]);
    world.clock.advance(15 * 60_000 + 1);
    await deliver();
    await deliver();
    expect(announcedOf(changesetNudged)).toHaveLength(1);
    await world.settle();
    expect(await world.call("GET", "/campaigns/node-24")).toMatchObject({ standings: { merged: 1 } });
    world.clock.advance(60 * 60_000);
    await deliver();
    expect(announcedOf(changesetNudged)).toHaveLength(1);
  });

  test("goes on while the campaign is paused: it only reads", async () => {
    await world.call("POST", "/campaigns/node-24/pause");
    world.codeHost.closeAsHuman("acme/api", 1);
    world.clock.advance(15 * 60_000 + 1);
    await deliver();
    await world.settle();
    expect(await world.call("GET", "/campaigns/node-24")).toMatchObject({ standings: { closed: 1 } });
  });

  test("does not come back each time to what GitHub will not show", async () => {
    world.codeHost.uninstall("acme");
    world.clock.advance(15 * 60_000 + 1);
    await deliver();
    await world.settle();
    expect(await world.stores.changesets.uncheckedSince(world.clock.now(), 10)).toEqual([]);
    expect(await world.call("GET", "/campaigns/node-24")).toMatchObject({ deadTasks: [], standings: { open: 1 } });
  });
});
