import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changesetNudged } from "#eventing/changeset.ts";
import { executionReported } from "#eventing/execution.ts";
import { ticked } from "#eventing/tick.ts";
import { allFunctions } from "#functions/all.ts";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import { openFunctionWorld, specText, type FunctionWorld } from "#shared/testing/function-world.ts";
import { tick } from "./tick.ts";

const minute = 60_000;

let world: FunctionWorld;
let ticks = 0;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions });
  world.hostApp.answerWebhooksWith(503);
});
afterEach(() => world.close());

function deliver(): Promise<number> {
  ticks += 1;
  return world.deliver(tick, { id: `${ticks}`, source: "/ping", type: ticked.type, time: world.clock.now(), data: {} });
}
const installed = () => world.stores.installations.list();
const logged = (level: "info" | "warn") =>
  world.logs.filter((line) => line["level"] === level).map((line) => line["msg"]);

describe("what a tick does from time to time", () => {
  test("begins with the first tick: where the App is installed is known", async () => {
    const acme = world.hostApp.install("acme");
    expect(await deliver()).toBe(202);
    expect(await installed()).toEqual([acme]);
  });

  test("comes again after its period and not before, however often it ticks", async () => {
    await deliver();
    const guid = world.hostApp.sendWebhook("pull_request");
    const acme = world.hostApp.install("acme");
    world.clock.advance(5 * minute - 1);
    await Promise.all([deliver(), deliver(), deliver()]);
    expect(world.hostApp.redelivered).toEqual([]);
    world.clock.advance(1);
    await Promise.all([deliver(), deliver(), deliver()]);
    await deliver();
    expect(world.hostApp.redelivered).toEqual([guid]);
    expect(await installed()).toEqual([]);
    world.clock.advance(5 * minute);
    await deliver();
    expect(await installed()).toEqual([acme]);
  });

  test("says once in the log which webhook failed too often", async () => {
    const guid = world.hostApp.sendWebhook("push");
    for (let minutes = 0; minutes < 8 * 60; minutes += 5) {
      world.clock.advance(5 * minute);
      await deliver();
    }
    expect(world.hostApp.redelivered).toHaveLength(5);
    expect(logged("warn")).toEqual(["gave up a webhook after 6 attempts: 503 Failed"]);
    expect(world.logs).toContainEqual(expect.objectContaining({ level: "warn", delivery: guid, event: "push" }));
  });

  test("says in the log which webhook GitHub does not send again", async () => {
    const guid = world.hostApp.sendWebhook("push");
    world.hostApp.failNext("redeliver", new CodeHostRefused("not-found", "It has expired."));
    world.clock.advance(minute);
    await deliver();
    expect(world.logs).toContainEqual(expect.objectContaining({ delivery: guid, msg: "It has expired." }));
    expect(JSON.stringify(world.logs)).toContain("asked for 0 webhooks again, gave up 1");
  });
});

test("what was shown of steps that run no more is swept, and what runs stays", async () => {
  for (const name of ["api", "web"]) world.codeHost.addRepository({ owner: "acme", name, files: { a: "" } });
  await world.preview(specText());
  await world.settle({ stopBefore: executionReported });
  const attempts = world.sandbox.started.map(({ executionId }) => ({ executionId, attempt: 1 }));
  const chunk = { step: 0, offset: 0, bytes: Buffer.from("shown") };
  for (const attempt of attempts) await world.stores.liveLogs.append(attempt, [chunk]);
  // One was replaced, as when its machine was lost.
  await world.database.database.knex("executions").where({ id: attempts[0]?.executionId }).update({ attempt: 2 });
  await deliver();
  const { knex } = world.database.database;
  expect(await knex("live_logs").pluck<string[]>("execution_id")).toEqual([attempts[1]?.executionId]);
});

describe("when the code host does not answer for the App", () => {
  beforeEach(async () => {
    world.codeHost.addRepository({ owner: "acme", name: "api", files: { ".nvmrc": "22\n" } });
    await world.preview(specText());
    await world.settle();
    await world.call("POST", "/campaigns/node-24/publications");
    await world.settle();
    world.clock.advance(15 * minute + 1);
  });

  test("the rest of the tick is done, and the next round goes on", async () => {
    const acme = world.hostApp.install("acme");
    world.hostApp.failNext("failedDeliveries", new CodeHostUnavailable("GitHub cannot be reached."));
    world.hostApp.failNext("installations", new CodeHostRefused("bad-credentials", "Another key."));
    expect(await deliver()).toBe(202);
    expect(world.announced(changesetNudged)).toBeDefined();
    expect(logged("warn")).toEqual([
      "sweep-deliveries did not come to its end; the next one goes on",
      "sweep-installations did not come to its end; the next one goes on",
    ]);
    await deliver();
    expect(await installed()).toEqual([]);
    world.clock.advance(10 * minute);
    await deliver();
    expect(await installed()).toEqual([acme]);
  });

  test("for the limits' sake, nobody is warned", async () => {
    world.hostApp.failNext("failedDeliveries", new CodeHostBusy("Wait.", world.clock.now()));
    expect(await deliver()).toBe(202);
    expect(logged("warn")).toEqual([]);
    expect(logged("info")).toContain("sweep-deliveries did not come to its end; the next one goes on");
  });
});
