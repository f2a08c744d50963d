import { afterEach, beforeEach, expect, test } from "vitest";
import { allFunctions } from "#functions/all.ts";
import { changesBody, errorBody } from "#shared/api/schemas.ts";
import { apiRequest, openFunctionWorld, specText, writes, type FunctionWorld } from "#shared/testing/function-world.ts";
import { api } from "./api.ts";

let world: FunctionWorld;
let node: string;
beforeEach(async () => {
  node = "24";
  world = await openFunctionWorld({
    functions: allFunctions,
    transform: ({ source }) =>
      source.name === "same" ? [] : writes({ ".nvmrc": `${node}\n`, "docs/notes.md": `of ${source.name}\n` }),
  });
  for (const name of ["api", "web", "same"]) {
    world.codeHost.addRepository({ owner: "acme", name, files: { ".nvmrc": "22\n" } });
  }
});
afterEach(() => world.close());

async function previewed(spec = specText()): Promise<void> {
  await world.preview(spec);
  await world.settle();
}

async function search(query: Readonly<Record<string, string>>) {
  const asked = new URLSearchParams(query).toString();
  return changesBody.parse(await world.call("GET", `/campaigns/node-24/changes?${asked}`));
}

/** What each repository that was found has, by name. */
async function found(query: Readonly<Record<string, string>>): Promise<Record<string, readonly string[]>> {
  const { repositories } = await search(query);
  return Object.fromEntries(repositories.map(({ fullName, files }) => [fullName, files.map(({ path }) => path)]));
}

test("the patches of the newest run are searched by path and by text", async () => {
  await previewed();
  const all = [".nvmrc", "docs/notes.md"];
  expect(await found({})).toEqual({ "acme/api": all, "acme/web": all });
  expect(await found({ path: "**.md" })).toEqual({ "acme/api": ["docs/notes.md"], "acme/web": ["docs/notes.md"] });
  expect(await found({ path: "**.md", added: "of web" })).toEqual({ "acme/web": ["docs/notes.md"] });
  expect(await found({ added: "22" })).toEqual({});
  expect((await search({ added: "of api" })).repositories[0]?.files).toMatchObject([
    { path: "docs/notes.md", change: "modified", additions: 1, added: ["of api"], removed: [], truncated: false },
  ]);
  expect(world.codeHost.mutations).toEqual([]);
});

test("a page says where the next one begins", async () => {
  await previewed();
  const first = await search({ limit: "1" });
  expect(first).toMatchObject({ run: 1, repositories: [{ fullName: "acme/api", found: 2 }] });
  const second = await search({ limit: "1", after: first.next ?? "" });
  expect(second.repositories.map(({ fullName }) => fullName)).toEqual(["acme/web"]);
  const third = await search({ limit: "1", after: second.next ?? "" });
  expect(third).toEqual({ run: 1, repositories: [], unsearched: { repositories: 0, examples: [] } });
});

test("an older run is not searched any more", async () => {
  await previewed();
  node = "26";
  await previewed(specText({ steps: [{ run: "nvm use 26", image: "alpine" }] }));
  expect(await found({ added: "24" })).toEqual({});
  expect(Object.keys(await found({ added: "26" }))).toEqual(["acme/api", "acme/web"]);
});

test("a campaign without a preview has no changes, and one that is not there is not found", async () => {
  await world.call("POST", "/campaigns", { spec: specText() });
  expect(await search({})).toEqual({ repositories: [], unsearched: { repositories: 0, examples: [] } });
  expect((await world.request(api, apiRequest("GET", "/campaigns/none/changes"))).status).toBe(404);
});

test("patches that cannot be searched are told", async () => {
  await previewed();
  const [execution] = await world.stores.executions.idsWithStatus("node-24", "patch");
  await world.stores.executions.forgetArtifacts(execution ?? "");
  expect((await search({})).unsearched).toMatchObject({
    repositories: 1,
    examples: [expect.stringMatching(/^acme\//)],
  });
});

test.each([
  ["path=a[b]", 'path: "a[b]" has "[", which patterns do not know; use * ** ? and {a,b}'],
  ["added=", "added: "],
  ["added=a%0Ab", "added: a text is looked for in each line by itself"],
  ["removed=%00", "NUL"],
  ["change=moved", "change: "],
  ["limit=0", "limit: "],
])("%s is refused", async (query, message) => {
  await previewed();
  const response = await world.request(api, apiRequest("GET", `/campaigns/node-24/changes?${query}`));
  expect(response.status).toBe(400);
  expect(errorBody.parse(await response.json()).error.message).toContain(message);
});
