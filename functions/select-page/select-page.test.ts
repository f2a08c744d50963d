import { afterEach, beforeEach, expect, test } from "vitest";
import { executionRequested } from "#eventing/execution.ts";
import { selectionPageRequested } from "#eventing/selection.ts";
import { allFunctions } from "#functions/all.ts";
import { CodeHostUnavailable } from "#shared/ports/code-host.ts";
import { openFunctionWorld, specText, type FunctionWorld } from "#shared/testing/function-world.ts";
import { selectPage } from "./select-page.ts";

let world: FunctionWorld;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions });
  for (const name of ["api", "docs", "legacy", "web", "worker"]) {
    const isArchived = name === "legacy";
    world.codeHost.addRepository({ owner: "acme", name, files: { ".nvmrc": "22\n" }, isArchived });
  }
  world.codeHost.addRepository({ owner: "acme", name: "empty" });
});
afterEach(() => world.close());

const deliver = () => world.deliver(selectPage, world.announced(selectionPageRequested));
const announcedOf = ({ type }: { readonly type: string }) => world.bus.published.filter((event) => event.type === type);
const repositories = async () =>
  (await world.call("GET", "/campaigns/node-24/repositories")) as {
    repositories: { fullName: string; standing: string; because: string }[];
  };

test("reads all repositories page by page, and writes who is in and who is out, with the reason", async () => {
  await world.preview(specText({ filters: { exclude: [{ name: "docs" }] } }));
  await world.settle({ stopBefore: executionRequested });
  // Two repositories a page.
  expect(announcedOf(selectionPageRequested)).toHaveLength(3);
  const seen = (await repositories()).repositories;
  expect(seen.map(({ fullName, standing }) => [fullName, standing])).toEqual([
    ["acme/api", "pending"],
    ["acme/docs", "excluded"],
    ["acme/empty", "excluded"],
    ["acme/legacy", "excluded"],
    ["acme/web", "pending"],
    ["acme/worker", "pending"],
  ]);
  expect(seen.map(({ because }) => because).slice(1, 4)).toEqual([
    expect.stringContaining("docs"),
    expect.stringContaining("empty"),
    expect.stringContaining("archived"),
  ]);
  expect(world.codeHost.mutations).toEqual([]);
});

test("a page that is delivered twice, or again after all were read, asks for nothing twice", async () => {
  await world.preview(specText());
  await Promise.all([deliver(), deliver()]);
  await world.settle({ stopBefore: executionRequested });
  const before = announcedOf(executionRequested).length;
  await world.database.database.knex("tasks").where({ type: selectionPageRequested.type }).update({ state: "due" });
  for (const event of announcedOf(selectionPageRequested)) expect(await world.deliver(selectPage, event)).toBe(202);
  expect(announcedOf(executionRequested)).toHaveLength(before);
});

test("a crash after reading, or in the middle of writing, is healed by the next delivery", async () => {
  await world.preview(specText());
  world.codeHost.failNext("organizationPage", new Error("the process died"), "afterwards");
  expect(await deliver()).toBe(500);
  const { knex } = world.database.database;
  await knex.raw("ALTER TABLE repo_targets RENAME TO lost");
  expect(await deliver()).toBe(500);
  await knex.raw("ALTER TABLE lost RENAME TO repo_targets");
  expect(await knex("executions")).toEqual([]);
  await deliver();
  await world.settle();
  expect(await world.call("GET", "/campaigns/node-24")).toMatchObject({ standings: { unpublished: 4, excluded: 2 } });
});

test("GitHub not answering is waited for; an owner without the App ends the selection for good", async () => {
  await world.preview(specText());
  world.codeHost.failNext("organizationPage", new CodeHostUnavailable("502"));
  expect(await deliver()).toBe(202);
  expect(await world.stores.tasks.find(world.announced(selectionPageRequested).id)).toMatchObject({ state: "due" });
  world.codeHost.uninstall("acme");
  world.clock.advance(2_000);
  expect(await deliver()).toBe(422);
});

test("is held while the campaign is paused, and goes on where it was", async () => {
  await world.preview(specText());
  await deliver();
  await world.call("POST", "/campaigns/node-24/pause");
  const before = announcedOf(selectionPageRequested).length;
  await world.settle();
  expect(announcedOf(executionRequested).length).toBeGreaterThan(0);
  expect(announcedOf(selectionPageRequested).length).toBeLessThanOrEqual(before + 1);
  await world.call("POST", "/campaigns/node-24/resume");
  await world.settle();
  expect(await world.call("GET", "/campaigns/node-24")).toMatchObject({ run: { finished: true } });
});

test("after a kill an event that was under way selects nothing more", async () => {
  await world.preview(specText());
  await world.call("POST", "/campaigns/node-24/kill");
  expect(await deliver()).toBe(202);
  await world.settle();
  expect((await repositories()).repositories).toEqual([]);
});

test("named repositories that cannot be seen are out, with that reason", async () => {
  await world.preview(specText({ on: [{ repository: "acme/api" }, { repository: "acme/gone" }] }));
  await world.settle();
  expect((await repositories()).repositories).toMatchObject([
    { fullName: "acme/api", standing: "unpublished" },
    { fullName: "acme/gone", standing: "excluded", because: expect.stringContaining("no such repository") },
  ]);
});

test("a second preview of the same steps on the same commits runs nothing again", async () => {
  await world.preview(specText());
  await world.settle();
  const before = world.sandbox.started.length;
  await world.preview(specText());
  await world.settle();
  expect(world.sandbox.started).toHaveLength(before);
  expect(await world.call("GET", "/campaigns/node-24")).toMatchObject({ run: { number: 2, finished: true } });
});
