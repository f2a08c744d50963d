import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { executionReported } from "#eventing/execution.ts";
import { allFunctions } from "#functions/all.ts";
import type { ScriptedOutcome } from "#shared/adapters/memory/memory-sandbox.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { ScannerUnavailable, type ArtifactScanner } from "#shared/ports/artifact-scanner.ts";
import { openFunctionWorld, specText, writes, type FunctionWorld } from "#shared/testing/function-world.ts";
import { collectExecution } from "./collect-execution.ts";

let world: FunctionWorld;
let event: BusEvent;
let outcome: ScriptedOutcome;
beforeEach(async () => {
  outcome = writes({ ".nvmrc": "24\n" });
  world = await openFunctionWorld({ functions: allFunctions, transform: () => outcome });
  world.codeHost.addRepository({ owner: "acme", name: "api", files: { ".nvmrc": "22\n" } });
});
afterEach(() => world.close());

async function reported(): Promise<void> {
  await world.preview(specText());
  await world.settle({ stopBefore: executionReported });
  event = world.announced(executionReported);
}
const deliver = () => world.deliver(collectExecution, event);
const status = () => world.call("GET", "/campaigns/node-24");

test("a patch becomes a changeset that waits to be published, with its artifacts noted", async () => {
  await reported();
  expect(await deliver()).toBe(202);
  expect(await status()).toMatchObject({
    standings: { unpublished: 1 },
    run: { finished: true, progress: { patches: 1 } },
  });
  const [{ id } = { id: "" }] = await world.database.database.knex("executions").select<{ id: string }[]>("id");
  expect((await world.stores.executions.artifacts(id)).map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(["changes", "patch", "log"]),
  );
});

test("what was shown of its steps while they ran goes with the end, and not before", async () => {
  await reported();
  const [{ id } = { id: "" }] = await world.database.database.knex("executions").select<{ id: string }[]>("id");
  const attempt = { executionId: id, attempt: 1 };
  await world.stores.liveLogs.append(attempt, [{ step: 0, offset: 0, bytes: Buffer.from("ran") }]);
  const shown = () => world.stores.liveLogs.read(attempt, { step: 0, offset: 0 });
  const { knex } = world.database.database;
  await knex.raw("ALTER TABLE changesets RENAME TO lost");
  expect(await deliver()).toBe(500);
  expect((await shown()).chunks).toHaveLength(1);
  await knex.raw("ALTER TABLE lost RENAME TO changesets");
  expect(await deliver()).toBe(202);
  expect((await shown()).chunks).toEqual([]);
});

test("steps that change nothing make no changeset", async () => {
  outcome = [];
  await reported();
  await deliver();
  expect(await status()).toMatchObject({ standings: { "no-change": 1 } });
  expect(await world.stores.changesets.ofCampaign("node-24")).toEqual([]);
});

test("steps that fail say why, and are not tried again by themselves", async () => {
  outcome = { fails: "Step 1 ended with exit code 3." };
  await reported();
  await deliver();
  await world.settle();
  expect(await status()).toMatchObject({ standings: { "execution-failed": 1 } });
  expect(world.sandbox.started).toHaveLength(1);
});

test("what the infrastructure let down is tried three times, each in a place of its own", async () => {
  outcome = { fails: "The disk is full.", retryable: true };
  await reported();
  await deliver();
  await world.settle();
  expect(await status()).toMatchObject({ standings: { "execution-failed": 1 } });
  expect(world.sandbox.started.map(({ artifactPrefix }) => artifactPrefix.split("/").at(-1))).toEqual(["1", "2", "3"]);
});

test("twice, at the same time or long after, changes nothing more", async () => {
  await reported();
  await Promise.all([deliver(), deliver()]);
  const before = await world.stores.changesets.ofCampaign("node-24");
  await deliver();
  await world.database.database.knex("tasks").where({ id: event.id }).update({ state: "due" });
  expect(await deliver()).toBe(202);
  expect(await world.stores.changesets.ofCampaign("node-24")).toEqual(before);
});

test("a late report of an attempt that was replaced is left alone", async () => {
  await reported();
  await world.database.database.knex("executions").update({ attempt: 2 });
  expect(await deliver()).toBe(202);
  expect(await status()).toMatchObject({ standings: { running: 1 } });
});

test("a crash in the middle of writing leaves nothing half written, and the next delivery writes all of it", async () => {
  await reported();
  const { knex } = world.database.database;
  await knex.raw("ALTER TABLE changesets RENAME TO lost");
  expect(await deliver()).toBe(500);
  await knex.raw("ALTER TABLE lost RENAME TO changesets");
  expect(await status()).toMatchObject({ standings: { running: 1 } });
  expect(await deliver()).toBe(202);
  expect(await status()).toMatchObject({ standings: { unpublished: 1 } });
});

test("goes on while the campaign is paused, since it changes nothing on GitHub", async () => {
  await reported();
  await world.call("POST", "/campaigns/node-24/pause");
  await deliver();
  expect(await status()).toMatchObject({ standings: { unpublished: 1 } });
});

test("a report after a kill finds its execution cancelled", async () => {
  await reported();
  await world.call("POST", "/campaigns/node-24/kill");
  expect(await deliver()).toBe(202);
  expect(await status()).toMatchObject({ standings: { cancelled: 1 } });
});

test("a result that is not there is delivered again, and one that is none as well", async () => {
  await reported();
  const key = (await world.blobs.list("node-24/")).find((each) => each.endsWith("result.json")) ?? "";
  await world.blobs.remove(key);
  expect(await deliver()).toBe(500);
  await world.blobs.put(key, Buffer.from('{"version":2}'));
  expect(await deliver()).toBe(500);
  expect(await status()).toMatchObject({ standings: { running: 1 } });
});

describe("with a malware scanner", () => {
  let scan: ArtifactScanner["scan"];
  beforeEach(async () => {
    await world.close();
    const scanner: ArtifactScanner = { scan: (...asked) => scan(...asked), check: async () => {} };
    world = await openFunctionWorld({ functions: allFunctions, transform: () => outcome, overrides: { scanner } });
    world.codeHost.addRepository({ owner: "acme", name: "api", files: { ".nvmrc": "22\n" } });
  });
  const task = () => world.stores.tasks.find(event.id);

  test("what is infected fails with what was found, makes no changeset, and can be downloaded by nobody", async () => {
    scan = async () => ({ kind: "infected", finding: "Test.Malware-1" });
    await reported();
    expect(await deliver()).toBe(202);
    expect(await status()).toMatchObject({ standings: { "execution-failed": 1 } });
    expect(await world.stores.changesets.ofCampaign("node-24")).toEqual([]);
    const [{ id } = { id: "" }] = await world.database.database.knex("executions").select<{ id: string }[]>("id");
    expect((await world.stores.executions.get(id)).state).toMatchObject({
      because: expect.stringContaining("The malware scanner found Test.Malware-1 in the patch."),
    });
    expect((await world.stores.executions.artifacts(id)).map(({ kind }) => kind)).not.toContain("patch");
    expect((await world.blobs.list("node-24/")).filter((key) => /patch|changes/.test(key))).toEqual([]);
  });

  test("what waits for a scanner that is down is collected when it is back", async () => {
    scan = () => Promise.reject(new ScannerUnavailable("The scanner is down."));
    await reported();
    expect(await deliver()).toBe(202);
    expect(await task()).toMatchObject({ state: "due", because: "The scanner is down." });
    expect(await status()).toMatchObject({ standings: { running: 1 } });
    scan = async () => ({ kind: "clean" });
    world.clock.advance(2_000);
    world.dispatcher.kick();
    await world.settle();
    expect(await status()).toMatchObject({ standings: { unpublished: 1 } });
  });

  test("what was collected is not looked at again, whatever would be found now", async () => {
    scan = async () => ({ kind: "clean" });
    await reported();
    await deliver();
    scan = async () => ({ kind: "infected", finding: "Test.Malware-1" });
    await world.database.database.knex("tasks").where({ id: event.id }).update({ state: "due" });
    await deliver();
    expect(await status()).toMatchObject({ standings: { unpublished: 1 } });
    expect(await world.blobs.list("quarantine/")).toEqual([]);
  });
});
