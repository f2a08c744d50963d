import { afterEach, beforeEach, expect, test } from "vitest";
import { executionCancelled, executionRequested } from "#eventing/execution.ts";
import { allFunctions } from "#functions/all.ts";
import { executeTransform } from "#functions/execute-transform/execute-transform.ts";
import { openFunctionWorld, specText, type FunctionWorld } from "#shared/testing/function-world.ts";
import { cancelExecution } from "./cancel-execution.ts";

let world: FunctionWorld;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions });
  world.codeHost.addRepository({ owner: "acme", name: "api", files: { ".nvmrc": "22\n" } });
  await world.preview(specText());
  await world.settle({ stopBefore: executionRequested });
  await world.deliver(executeTransform, world.announced(executionRequested));
  await world.call("POST", "/campaigns/node-24/kill");
});
afterEach(() => world.close());

const deliver = () => world.deliver(cancelExecution, world.announced(executionCancelled));
const inspect = async () =>
  world.sandbox.inspect({ executionId: "", attempt: 1, artifactPrefix: "x", ...world.sandbox.started[0] });

test("ends the transform of a killed campaign; twice changes nothing more", async () => {
  expect(await inspect()).toMatchObject({ status: "running" });
  expect(await deliver()).toBe(202);
  expect(await inspect()).toMatchObject({ status: "unknown" });
  expect(await deliver()).toBe(202);
  expect(await world.sandbox.finishAll()).toBe(0);
});

test("leaves alone what was asked for again since", async () => {
  await world.database.database.knex("executions").update({ attempt: 2 });
  expect(await deliver()).toBe(202);
  expect(await inspect()).toMatchObject({ status: "running" });
});

test("waits in the table while the sandbox is down", async () => {
  world.sandbox.goDown();
  expect(await deliver()).toBe(202);
  world.sandbox.comeBack();
  world.clock.advance(2_000);
  world.dispatcher.kick();
  await world.dispatcher.idle();
  await deliver();
  expect(await inspect()).toMatchObject({ status: "unknown" });
});

test("a database that is gone for a moment is healed by the next delivery", async () => {
  await world.database.database.knex.raw("ALTER TABLE executions RENAME TO lost");
  expect(await deliver()).toBe(500);
  await world.database.database.knex.raw("ALTER TABLE lost RENAME TO executions");
  expect(await deliver()).toBe(202);
  expect(await inspect()).toMatchObject({ status: "unknown" });
});
