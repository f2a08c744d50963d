import { afterEach, beforeEach, expect, test } from "vitest";
import { executionRequested } from "#eventing/execution.ts";
import { workspacesRequested } from "#eventing/workspaces.ts";
import { allFunctions } from "#functions/all.ts";
import { bury } from "#functions/bury/bury.ts";
import { CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { openFunctionWorld, specText, type FunctionWorld } from "#shared/testing/function-world.ts";
import { resolveWorkspaces } from "./resolve-workspaces.ts";

let world: FunctionWorld;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions });
});
afterEach(() => world.close());

const rule = { rootAtLocationOf: "package.json" };
const monorepo = (...directories: readonly string[]) =>
  world.codeHost.addRepository({
    owner: "acme",
    name: "mono",
    files: Object.fromEntries([["README.md", ""], ...directories.map((path) => [`${path}/package.json`, "{}"])]),
  });
const deliver = (event: BusEvent = world.announced(workspacesRequested)) => world.deliver(resolveWorkspaces, event);
const requested = () => world.bus.published.filter(({ type }) => type === executionRequested.type);
const status = () => world.call("GET", "/campaigns/node-24");
async function repositories() {
  const answer = await world.call("GET", "/campaigns/node-24/repositories");
  // The API answers its own schema.
  const { repositories } = answer as {
    repositories: { fullName: string; workspace?: string; standing: string; because: string }[];
  };
  return repositories.map(({ fullName, workspace = "", standing, because }) => [
    fullName,
    workspace,
    standing,
    because,
  ]);
}
async function selected(...rules: readonly object[]): Promise<void> {
  await world.preview(specText({ workspaces: rules }));
  await world.settle({ stopBefore: workspacesRequested });
}

test("each directory with the file has an execution of its own, which is told where it is", async () => {
  monorepo("packages/a", "packages/b");
  await selected({ ...rule, onlyFetchWorkspace: true });
  expect(await repositories()).toEqual([["acme/mono", "", "pending", "its workspaces are being found"]]);
  expect(await status()).toMatchObject({ run: { selectionComplete: true, finished: false, progress: { pending: 1 } } });
  expect(await deliver()).toBe(202);
  const because = "included: nothing excludes it; package.json is here";
  expect(await repositories()).toEqual([
    ["acme/mono", "packages/a", "pending", because],
    ["acme/mono", "packages/b", "pending", because],
  ]);
  await world.settle();
  expect(world.sandbox.started.map(({ workspace }) => workspace)).toEqual([
    { path: "packages/a", onlyFetch: true },
    { path: "packages/b", onlyFetch: true },
  ]);
  expect(await status()).toMatchObject({ run: { finished: true, progress: { seen: 2, patches: 2 } } });
  expect(world.codeHost.mutations).toEqual([]);
});

test("only the repositories that a rule is for are divided, each by the first one", async () => {
  monorepo("packages/a");
  world.codeHost.addRepository({ owner: "acme", name: "tools", files: { "x/go.mod": "", "y/package.json": "" } });
  world.codeHost.addRepository({ owner: "acme", name: "web", files: { "y/package.json": "" } });
  await world.preview(
    specText({
      workspaces: [
        { rootAtLocationOf: "go.mod", in: "tools" },
        { ...rule, in: "mono" },
      ],
    }),
  );
  await world.settle();
  const standings = (await repositories()).map(([fullName, workspace]) => [fullName, workspace]);
  expect(standings).toEqual([
    ["acme/mono", "packages/a"],
    ["acme/tools", "x"],
    ["acme/web", ""],
  ]);
});

test("a repository without such a file is out, and so is one where the spec excludes them all", async () => {
  monorepo("fixtures/a", "fixtures/b");
  world.codeHost.addRepository({ owner: "acme", name: "web", files: { "README.md": "" } });
  await world.preview(specText({ workspaces: [{ ...rule, exclude: ["fixtures/**"] }] }));
  await world.settle();
  expect(await repositories()).toEqual([
    ["acme/mono", "", "excluded", "excluded: the spec excludes every directory that has package.json: there are 2"],
    ["acme/web", "", "excluded", "excluded: no directory has package.json"],
  ]);
  expect(await status()).toMatchObject({ run: { finished: true } });
});

test("a directory that nobody could name is out, and the others are in", async () => {
  monorepo("packages/a", "packages/\u202Etxt", "packages/b\\c");
  await selected(rule);
  await deliver();
  expect(await repositories()).toMatchObject([
    ["acme/mono", "packages/a", "pending", expect.anything()],
    ["acme/mono", "packages/b\\c", "excluded", "excluded: its path has a backslash"],
    ["acme/mono", "packages/\u202Etxt", "excluded", "excluded: its path has the character U+202E"],
  ]);
});

test("a repository with too many is not executed at all, and says so", async () => {
  monorepo(...Array.from({ length: 501 }, (_, index) => `packages/${index}`));
  await selected(rule);
  expect(await deliver()).toBe(202);
  const because =
    "501 directories have package.json, and a repository may have 500 workspaces: exclude some of them in the spec";
  expect(await repositories()).toEqual([["acme/mono", "", "execution-failed", because]]);
  expect(await status()).toMatchObject({ run: { finished: true, progress: { failed: 1 } } });
});

test("twice, at the same time or long after, finds them once", async () => {
  monorepo("packages/a", "packages/b");
  await selected(rule);
  await Promise.all([deliver(), deliver()]);
  const before = await repositories();
  await world.database.database.knex("tasks").where({ type: workspacesRequested.type }).update({ state: "due" });
  expect(await deliver()).toBe(202);
  expect(await repositories()).toEqual(before);
  expect(requested()).toHaveLength(2);
});

test("a page that comes across a repository again, whose workspaces were found, leaves them as they are", async () => {
  monorepo("packages/a", "packages/b");
  await world.preview(specText({ on: [{ repository: "acme/mono" }, { org: "acme" }], workspaces: [rule] }));
  await world.settle();
  expect((await repositories()).map(([, workspace]) => workspace)).toEqual(["packages/a", "packages/b"]);
});

test("a crash after looking, or in the middle of writing, is healed by the next delivery", async () => {
  monorepo("packages/a", "packages/b");
  await selected(rule);
  world.codeHost.failNext("findFiles", new Error("the process died"), "afterwards");
  expect(await deliver()).toBe(500);
  const { knex } = world.database.database;
  await knex.raw(`ALTER TABLE tasks ADD CONSTRAINT broken CHECK (type <> '${executionRequested.type}')`);
  expect(await deliver()).toBe(500);
  await knex.raw("ALTER TABLE tasks DROP CONSTRAINT broken");
  expect(await knex("executions")).toEqual([]);
  expect(await repositories()).toMatchObject([["acme/mono", "", "pending", expect.anything()]]);
  await deliver();
  await world.settle();
  expect(await status()).toMatchObject({ standings: { unpublished: 2 } });
});

test("GitHub not answering is waited for; what it refuses for good is told", async () => {
  monorepo("packages/a");
  await selected(rule);
  world.codeHost.failNext("findFiles", new CodeHostUnavailable("502"));
  expect(await deliver()).toBe(202);
  expect(await repositories()).toMatchObject([["acme/mono", "", "pending", expect.stringContaining("502")]]);
  world.clock.advance(2_000);
  world.codeHost.failNext("findFiles", new CodeHostRefused("invalid", "It is too large."));
  const event = world.announced(workspacesRequested);
  expect(await deliver(event)).toBe(422);
  await world.deliver(bury, {
    ...event,
    extensions: { knativeerrorcode: "422", knativeerrordata: "It is too large." },
  });
  expect(await repositories()).toMatchObject([
    ["acme/mono", "", "execution-failed", expect.stringContaining("its workspaces were not found: ")],
  ]);
  expect(await status()).toMatchObject({ run: { finished: true } });
});

test("after a kill nothing is looked for any more", async () => {
  monorepo("packages/a");
  await selected(rule);
  await world.call("POST", "/campaigns/node-24/kill");
  expect(await deliver()).toBe(202);
  await world.settle();
  expect(await repositories()).toEqual([["acme/mono", "", "cancelled", "the campaign was killed"]]);
  expect(world.sandbox.started).toEqual([]);
});

test("a kill that comes while it looks wins", async () => {
  monorepo("packages/a");
  await selected(rule);
  const findFiles = world.codeHost.findFiles.bind(world.codeHost);
  const killedMeanwhile: Pick<typeof world.codeHost, "findFiles"> = {
    async findFiles(...asked) {
      await world.call("POST", "/campaigns/node-24/kill");
      return findFiles(...asked);
    },
  };
  Object.assign(world.codeHost, killedMeanwhile);
  expect(await deliver()).toBe(202);
  expect(world.logs.findLast((line) => "left" in line)).toMatchObject({
    left: "its workspaces are not looked for any more",
  });
  expect(await repositories()).toMatchObject([["acme/mono", "", "cancelled", expect.anything()]]);
});

test("a second preview of the same workspaces runs nothing again", async () => {
  monorepo("packages/a", "packages/b");
  for (const _ of [1, 2]) {
    await world.preview(specText({ workspaces: [rule] }));
    await world.settle();
  }
  expect(world.sandbox.started).toHaveLength(2);
  expect(await status()).toMatchObject({ run: { number: 2, finished: true }, standings: { unpublished: 2 } });
});
