import { afterEach, beforeEach, expect, test } from "vitest";
import { executionRequested } from "#eventing/execution.ts";
import { allFunctions } from "#functions/all.ts";
import { openFunctionWorld, specText, writes, type FunctionWorld } from "#shared/testing/function-world.ts";

let world: FunctionWorld;
beforeEach(async () => {
  world = await openFunctionWorld({
    functions: allFunctions,
    // Each transform changes its own workspace; paths are relative to the root of the repository.
    transform: ({ workspace, steps }) => writes({ [`${workspace.path}/.nvmrc`]: `${steps[0]?.run}\n` }),
  });
  world.codeHost.addRepository({ owner: "acme", name: "mono", files: packages("a", "b", "c") });
});
afterEach(() => world.close());

const packages = (...names: readonly string[]) =>
  Object.fromEntries(names.flatMap((name) => [[`packages/${name}/package.json`, "{}"]]));
const spec = (parts: Readonly<Record<string, unknown>> = {}) =>
  specText({
    workspaces: [{ rootAtLocationOf: "package.json" }],
    pullRequest: { title: "Node 24 in ${{ workspace.path }}", body: "For ${{ repository.name }}." },
    ...parts,
  });
/** By title, and then in the order in which they were opened. */
const pullRequests = () =>
  world.codeHost.pullRequests("acme/mono").toSorted((one, other) => one.title.localeCompare(other.title, "en"));
const status = () => world.call("GET", "/campaigns/node-24");
async function previewed(parts?: Readonly<Record<string, unknown>>): Promise<void> {
  await world.preview(spec(parts));
  await world.settle();
}
async function published(): Promise<unknown> {
  const answer = await world.call("POST", "/campaigns/node-24/publications");
  await world.settle();
  return answer;
}
/** The workspaces, where they stand, and which of all pull requests is theirs. */
async function standings() {
  const answer = await world.call("GET", "/campaigns/node-24/repositories");
  // The API answers its own schema.
  const { repositories } = answer as {
    repositories: { workspace?: string; standing: string; pullRequest?: { number: number } }[];
  };
  return repositories.map(({ workspace, standing, pullRequest }) => [
    workspace,
    standing,
    pullRequests().findIndex(({ number }) => number === pullRequest?.number),
  ]);
}
/** Takes a package out of the repository, as a person would. */
async function remove(name: string): Promise<void> {
  const { codeHost } = world;
  const repository = { id: 1, nodeId: "R_1", owner: "acme", name: "mono" };
  const parent = (await codeHost.branchHead(repository, "main")) ?? "";
  const { commit } = await codeHost.createCommit(repository, {
    parent,
    changes: [{ kind: "delete", path: `packages/${name}/package.json` }],
    message: `Remove ${name}`,
    author: { name: "Ana", email: "ana@example.com" },
    at: world.clock.now(),
  });
  await codeHost.moveBranch(repository, { branch: "main", from: parent, to: commit });
}

test("three packages give three pull requests, each from a branch of its own with its own change", async () => {
  await previewed();
  expect(world.codeHost.mutations).toEqual([]);
  expect(await published()).toMatchObject({ asked: 3, closing: 0 });
  expect(pullRequests().map(({ title, state }) => [title, state])).toEqual([
    ["Node 24 in packages/a", "open"],
    ["Node 24 in packages/b", "open"],
    ["Node 24 in packages/c", "open"],
  ]);
  const branches = pullRequests().map(({ headBranch }) => headBranch);
  expect(new Set(branches).size).toBe(3);
  for (const [index, name] of ["a", "b", "c"].entries()) {
    const branch = branches[index] ?? "";
    expect(branch).toMatch(new RegExp(`^campaign/node-24/1/acme-mono-packages-${name}-[0-9a-f]{8}$`));
    const changed = ["a", "b", "c"].filter((each) =>
      world.codeHost.fileAt("acme/mono", branch, `packages/${each}/.nvmrc`),
    );
    expect(changed).toEqual([name]);
    expect(pullRequests()[index]?.body).toContain(` workspace=packages%2F${name} -->`);
  }
  expect(await standings()).toEqual([
    ["packages/a", "open", 0],
    ["packages/b", "open", 1],
    ["packages/c", "open", 2],
  ]);
  const log = await world.stores.audit.page({ campaign: "node-24", limit: 100 });
  const opened = log.filter(({ action }) => action === "pull-request.opened");
  expect(opened.map(({ detail }) => String(detail["workspace"])).toSorted()).toEqual([
    "packages/a",
    "packages/b",
    "packages/c",
  ]);
});

test("a package that is gone has its pull request closed by the next publication, and not by the preview", async () => {
  await previewed();
  await published();
  await remove("b");
  const before = world.codeHost.mutations.length;
  await previewed();
  expect(world.codeHost.mutations).toHaveLength(before);
  expect(await standings()).toEqual([
    ["packages/a", "open", 0],
    ["packages/b", "open", 1],
    ["packages/c", "open", 2],
  ]);
  expect(await published()).toMatchObject({ closing: 1 });
  expect(pullRequests().map(({ state }) => state)).toEqual(["open", "closed", "open"]);
  expect(await status()).toMatchObject({ standings: { open: 2, excluded: 1 } });
  expect(await published()).toMatchObject({ asked: 0, closing: 0 });

  world.codeHost.pushAsHuman("acme/mono", "main", packages("b"));
  await previewed();
  await published();
  expect(pullRequests().map(({ state }) => state)).toEqual(["open", "closed", "open", "open"]);
  expect(await standings()).toEqual([
    ["packages/a", "open", 0],
    ["packages/b", "open", 2],
    ["packages/c", "open", 3],
  ]);
});

test("a repository that is divided from now on has the pull request of the whole closed, and back again", async () => {
  await previewed({ workspaces: [{ rootAtLocationOf: "package.json", in: "acme/other" }] });
  await published();
  await previewed();
  expect(await published()).toMatchObject({ asked: 3, closing: 1 });
  await previewed({ workspaces: [{ rootAtLocationOf: "package.json", in: "acme/other" }], description: "Again" });
  expect(await published()).toMatchObject({ asked: 1, closing: 3 });
  expect(world.codeHost.pullRequests("acme/mono").map(({ state }) => state)).toEqual([
    "closed",
    "closed",
    "closed",
    "closed",
    "open",
  ]);
});

test("a repository that is left out has its pull request closed as well", async () => {
  await previewed();
  await published();
  await previewed({ filters: { exclude: [{ name: "mono" }] } });
  expect(await published()).toMatchObject({ closing: 3 });
  expect(pullRequests().map(({ state }) => state)).toEqual(["closed", "closed", "closed"]);
});

test("what the newest preview does not come across keeps its pull requests, and is named", async () => {
  await previewed();
  await published();
  await previewed({ on: [{ repository: "acme/renamed-or-hidden" }] });
  expect(await published()).toMatchObject({
    closing: 0,
    left: 3,
    unseen: ["acme/mono packages/a", "acme/mono packages/b", "acme/mono packages/c"],
  });
  expect(pullRequests().map(({ state }) => state)).toEqual(["open", "open", "open"]);
});

test("one whose workspaces could not be found has nothing closed", async () => {
  await previewed();
  await published();
  world.codeHost.pushAsHuman("acme/mono", "main", packages(...Array.from({ length: 500 }, (_, index) => `x${index}`)));
  await previewed();
  expect(await status()).toMatchObject({ standings: { "execution-failed": 1 } });
  expect(await published()).toMatchObject({ asked: 0, closing: 0, published: 3 });
});

test("a diff is that of one workspace, which has to be named where there are several", async () => {
  await previewed();
  const read = async (what: string, query: string) => {
    const path = `/campaigns/node-24/repositories/acme/mono/${what}${query}`;
    return world.call("GET", path).catch((error: unknown) => String(error));
  };
  expect(await read("logs", "")).toMatch(
    /422 .*acme\/mono has several workspaces\. Say which one: packages\/a, packages\/b, packages\/c\./,
  );
  expect(await read("logs", "?workspace=packages%2Fb")).toMatchObject({ steps: expect.any(Array) });
  expect(await read("logs", "?workspace=packages%2Fx")).toMatch(
    /404 .*has no workspace packages\/x\. It has packages\/a/,
  );
  expect(await read("logs", "?workspace=.")).toMatch(/404 /);
});

test("a list of repositories goes on in the middle of one", async () => {
  await world.preview(spec());
  await world.settle({ stopBefore: executionRequested });
  const seen: (string | undefined)[] = [];
  for (let after = ""; ;) {
    const answer = await world.call("GET", `/campaigns/node-24/repositories?limit=1${after}`);
    // The API answers its own schema.
    const { repositories, next } = answer as { repositories: { workspace?: string }[]; next?: string };
    seen.push(...repositories.map(({ workspace }) => workspace));
    if (next === undefined) break;
    after = `&after=${encodeURIComponent(next)}`;
  }
  expect(seen).toEqual(["packages/a", "packages/b", "packages/c"]);
});
