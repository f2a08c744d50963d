import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changesetReady } from "#eventing/changeset.ts";
import { executionRequested } from "#eventing/execution.ts";
import { selectionPageRequested } from "#eventing/selection.ts";
import { ticked } from "#eventing/tick.ts";
import { allFunctions } from "#functions/all.ts";
import { bury } from "#functions/bury/bury.ts";
import { selectPage } from "#functions/select-page/select-page.ts";
import type { ScriptedOutcome } from "#shared/adapters/memory/memory-sandbox.ts";
import { BlobNotFound, BlobStoreUnavailable } from "#shared/ports/blob-store.ts";
import { openFunctionWorld, specText, writes, type FunctionWorld } from "#shared/testing/function-world.ts";
import { tick } from "./tick.ts";

const day = 24 * 60 * 60_000;
const patch = writes({ ".nvmrc": "24\n" });

let world: FunctionWorld;
let outcome: ScriptedOutcome;
let ticks = 0;
beforeEach(async () => {
  outcome = patch;
  world = await openFunctionWorld({ functions: allFunctions, transform: () => outcome });
  world.hostApp.answerWebhooksWith(503);
  world.codeHost.addRepository({ owner: "acme", name: "api", files: { ".nvmrc": "22\n" } });
});
afterEach(() => world.close());

/** A tick, some time after the one before, and whatever follows from it. */
async function tickAfter(ms: number): Promise<void> {
  world.clock.advance(ms);
  ticks += 1;
  const event = { id: `${ticks}`, source: "/ping", type: ticked.type, time: world.clock.now(), data: {} };
  expect(await world.deliver(tick, event)).toBe(202);
  await world.settle();
}

async function preview(): Promise<void> {
  await world.preview(specText());
  await world.settle();
}

const publish = () => world.call("POST", "/campaigns/node-24/publications").then(() => world.settle());
const status = () => world.call("GET", "/campaigns/node-24");
const keys = async () => (await world.blobs.scan({ limit: 1000 })).map(({ key }) => key);
const noted = async () => (await world.database.database.knex("artifacts").select()).length;
const firstOf = async () => {
  const [execution] = await world.database.database.knex("executions").select<{ id: string; status: string }[]>("*");
  if (execution === undefined) throw new Error("Nothing was executed.");
  return execution;
};

describe("a preview that nobody published", () => {
  beforeEach(preview);

  test("keeps its patch and logs for 30 days, and not longer", async () => {
    const before = await keys();
    expect(before.length).toBeGreaterThan(2);
    await tickAfter(30 * day - 60_000);
    expect(await keys()).toEqual(before);
    await tickAfter(6 * 60_000);
    expect(await keys()).toEqual([]);
    expect(await noted()).toBe(0);
    const because = "its patch and logs were kept for 30 days and have expired: preview again";
    expect(await status()).toMatchObject({ standings: { withdrawn: 1 }, run: { progress: { patches: 1 } } });
    expect(await world.call("GET", "/campaigns/node-24/repositories")).toMatchObject({
      repositories: [{ standing: "withdrawn", because, filesChanged: 1 }],
    });
    await expect(world.call("GET", "/campaigns/node-24/repositories/acme/api/diff")).rejects.toThrow(because);
  });

  test("is done again, as the next attempt, when the same work is asked for once more", async () => {
    await tickAfter(31 * day);
    expect(await keys()).toEqual([]);
    await preview();
    expect(world.sandbox.started).toHaveLength(2);
    expect((await keys()).every((key) => key.includes(`/${world.sandbox.started[1]?.executionId}/2/`))).toBe(true);
    expect(await status()).toMatchObject({ standings: { unpublished: 1 } });
    await publish();
    expect(await status()).toMatchObject({ standings: { open: 1 }, deadTasks: [] });
  });

  test("counts its days anew when it is asked for again before", async () => {
    await tickAfter(29 * day);
    await preview();
    expect(world.sandbox.started).toHaveLength(1);
    await tickAfter(29 * day);
    expect(await keys()).not.toEqual([]);
    expect(await firstOf()).toMatchObject({ status: "patch" });
    await publish();
    expect(await status()).toMatchObject({ standings: { open: 1 } });
  });

  test("loses nothing more, and is not done again, when it ticks on", async () => {
    await tickAfter(31 * day);
    await tickAfter(10 * 60_000);
    await tickAfter(31 * day);
    expect(world.sandbox.started).toHaveLength(1);
    expect(await firstOf()).toMatchObject({ status: "expired" });
  });
});

test("a preview at the moment of its expiry finds the result and keeps it, or has it made again", async () => {
  await preview();
  for (let round = 0; round < 5; round += 1) {
    world.clock.advance(31 * day);
    await world.call("POST", "/campaigns/node-24/previews");
    await world.settle({ stopBefore: selectionPageRequested });
    ticks += 1;
    const ticking = { id: `${ticks}`, source: "/ping", type: ticked.type, time: world.clock.now(), data: {} };
    const asked = world.announced(selectionPageRequested);
    expect(await Promise.all([world.deliver(tick, ticking), world.deliver(selectPage, asked)])).toEqual([202, 202]);
    await world.settle();
    expect(await status()).toMatchObject({ standings: { unpublished: 1 }, deadTasks: [] });
    const { id } = await firstOf();
    const { state } = await world.stores.executions.get(id);
    expect(state.status).toBe("patch");
    if (state.status === "patch") await world.blobs.get(state.patchKey);
  }
});

test("steps that changed nothing expire too: they are still said to have changed nothing, and run when asked", async () => {
  outcome = [];
  await preview();
  await tickAfter(31 * day);
  expect(await keys()).toEqual([]);
  expect(await status()).toMatchObject({ standings: { "no-change": 1 }, run: { progress: { noChange: 1 } } });
  outcome = patch;
  await preview();
  expect(await status()).toMatchObject({ standings: { unpublished: 1 } });
});

test("what failed keeps its reason when its logs are gone", async () => {
  outcome = { fails: "Step 1 ended with exit code 3." };
  await preview();
  expect(await noted()).toBeGreaterThan(0);
  await tickAfter(31 * day);
  expect(await keys()).toEqual([]);
  expect(await noted()).toBe(0);
  expect(await world.call("GET", "/campaigns/node-24/repositories")).toMatchObject({
    repositories: [{ standing: "execution-failed", because: "Step 1 ended with exit code 3." }],
  });
});

test("an open pull request keeps its patch as long as it is open, and 30 days after", async () => {
  await preview();
  await publish();
  const before = await keys();
  await tickAfter(400 * day);
  expect(await keys()).toEqual(before);
  world.codeHost.mergeAsHuman("acme/api", 1);
  await tickAfter(day);
  expect(await status()).toMatchObject({ standings: { merged: 1 } });
  await tickAfter(29 * day);
  expect(await keys()).toEqual(before);
  await tickAfter(2 * day);
  expect(await keys()).toEqual([]);
  expect(await status()).toMatchObject({ standings: { merged: 1 } });
});

test("what waits for its turn to be published keeps its patch, until its campaign is killed", async () => {
  await preview();
  await world.call("POST", "/campaigns/node-24/pause");
  await publish();
  await tickAfter(100 * day);
  expect(await status()).toMatchObject({ standings: { ready: 1 } });
  expect(await keys()).not.toEqual([]);
  await world.call("POST", "/campaigns/node-24/kill");
  await tickAfter(31 * day);
  expect(await keys()).toEqual([]);
});

test("what nobody wrote down, as after a crash, goes when it is old", async () => {
  await world.blobs.put("node-24/1/1/x-crashed/1/steps/0.log", Buffer.from("a step"));
  await world.blobs.put(`cache/ab/${"ab".repeat(32)}`, Buffer.from("a result"));
  await world.blobs.put("somebody/elses", Buffer.from("a file"));
  await tickAfter(29 * day);
  expect(await keys()).toHaveLength(3);
  await tickAfter(2 * day);
  expect(await keys()).toEqual(["somebody/elses"]);
});

test("a transform that runs keeps what it has left so far, however long it takes", async () => {
  await world.preview(specText());
  await world.settle({ stopBefore: executionRequested });
  const { id } = await firstOf();
  const { repository } = await world.stores.executions.get(id);
  await world.blobs.put(`node-24/1/${repository.id}/${id}/1/steps/0.log`, Buffer.from("a step"));
  world.clock.advance(31 * day);
  await world.deliver(tick, { id: "t", source: "/ping", type: ticked.type, time: world.clock.now(), data: {} });
  expect(await keys()).toHaveLength(1);
});

test("a store that fails in the middle holds up nothing else, and the rest goes at the next tick", async () => {
  await preview();
  const remove = world.blobs.remove.bind(world.blobs);
  let refusals = 0;
  Object.assign(world.blobs, {
    remove: async (key: string) => {
      refusals += 1;
      if (refusals === 2) throw new BlobStoreUnavailable("The disk is gone.");
      await remove(key);
    },
  });
  const before = await keys();
  await tickAfter(31 * day);
  expect(await keys()).toHaveLength(1);
  expect(await firstOf()).toMatchObject({ status: "expired" });
  await tickAfter(6 * 60_000);
  expect(await keys()).toEqual([]);
  await expect(world.blobs.get(before[0] ?? "")).rejects.toThrow(BlobNotFound);
});

test.each(["changes.json", "result.json"])(
  "a patch whose %s is lost is made again by the next preview",
  async (lost) => {
    await preview();
    for (const key of await keys()) if (key.endsWith(lost)) await world.blobs.remove(key);
    await publish();
    const because = "the artifacts of its preview have expired: preview again, then publish";
    expect(await world.call("GET", "/campaigns/node-24/repositories")).toMatchObject({
      repositories: [{ standing: "ready", because }],
    });
    expect(await firstOf()).toMatchObject({ status: "expired" });
    expect(await noted()).toBe(0);
    const refused = { ...world.announced(changesetReady), extensions: { knativeerrorcode: "422" } };
    expect(await world.deliver(bury, refused)).toBe(202);
    await preview();
    expect(world.sandbox.started).toHaveLength(2);
    await publish();
    expect(await status()).toMatchObject({ standings: { open: 1 } });
  },
);

test("the statement of the runbook has lost blobs made again", async () => {
  await preview();
  for (const key of await keys()) await world.blobs.remove(key);
  const page = await readFile(new URL("../../docs/runbooks/blob-store.md", import.meta.url), "utf8");
  const [, statement = ""] = /(UPDATE executions.*?);/s.exec(page) ?? [];
  await world.database.database.knex.raw(statement.replace("CAMPAIGN", "node-24"));
  await preview();
  expect(world.sandbox.started).toHaveLength(2);
  await publish();
  expect(await status()).toMatchObject({ standings: { open: 1 }, deadTasks: [] });
});
