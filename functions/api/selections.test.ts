import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { z } from "zod";
import { allFunctions } from "#functions/all.ts";
import { errorBody, repositoriesBody, selectionPageBody } from "#shared/api/schemas.ts";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable, type RepositoryRef } from "#shared/ports/code-host.ts";
import { apiRequest, openFunctionWorld, specText, type FunctionWorld } from "#shared/testing/function-world.ts";
import { api } from "./api.ts";

type Page = z.infer<typeof selectionPageBody>;

let world: FunctionWorld;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions });
  for (const name of ["api", "docs", "legacy", "web", "worker"]) {
    const isArchived = name === "legacy";
    world.codeHost.addRepository({ owner: "acme", name, files: { ".nvmrc": "22\n" }, isArchived });
  }
});
afterEach(() => world.close());

const ask = (body: object) => world.request(api, apiRequest("POST", "/selections/pages", body));
const read = async (spec: string, place: NonNullable<Page["next"]>) =>
  selectionPageBody.parse(await world.call("POST", "/selections/pages", { spec, ...place }));

/** Every page of a selection; two repositories are on one. */
async function allPages(spec: string): Promise<readonly Page[]> {
  const pages: Page[] = [];
  for (let place: Page["next"] = { part: 0 }; place !== undefined;) {
    const page: Page = await read(spec, place);
    pages.push(page);
    place = page.next;
  }
  return pages;
}

/** What the pages say, in one line for each repository. */
async function selected(spec: string): Promise<readonly string[]> {
  const first = new Map<string, string>();
  for (const { key, fullName, selected, because } of (await allPages(spec)).flatMap((page) => page.repositories)) {
    if (!first.has(key)) first.set(key, `${fullName} ${selected ? "in" : "out"}: ${because}`);
  }
  return [...first.values()].toSorted();
}

/** What a run of the same spec has written down, in the same form. */
async function previewed(spec: string): Promise<readonly string[]> {
  await world.preview(spec);
  await world.settle();
  const { repositories } = repositoriesBody.parse(await world.call("GET", "/campaigns/node-24/repositories"));
  return repositories
    .map(({ fullName, standing, because }) =>
      standing === "excluded" ? `${fullName} out: ${because}` : `${fullName} in`,
    )
    .toSorted();
}

/** A person deletes a file on the default branch. */
async function removeFile(repository: RepositoryRef, path: string): Promise<void> {
  const { codeHost, clock } = world;
  const from = await codeHost.branchHead(repository, "main");
  const author = { name: "A human", email: "human@example.com" };
  const draft = { parent: from ?? "", changes: [{ path, kind: "delete" as const }], message: "Delete", author };
  const { commit: to } = await codeHost.createCommit(repository, { ...draft, at: clock.now() });
  await codeHost.moveBranch(repository, { branch: "main", from, to });
}

async function refused(body: object) {
  const response = await ask(body);
  const { error } = errorBody.parse(await response.json());
  return { status: response.status, retryAfter: response.headers.get("retry-after"), ...error };
}

test("is read page by page, each with its verdicts and what it cost, and keeps nothing", async () => {
  const spec = specText({ on: [{ repository: "acme/api" }, { org: "acme" }] });
  const pages = await allPages(spec);
  expect(pages.map(({ next }) => next?.part)).toEqual([1, 1, 1, undefined]);
  expect(pages[0]).toMatchObject({
    campaign: "node-24",
    repositories: [{ fullName: "acme/api", selected: true, because: "included: nothing excludes it", branch: "main" }],
    cost: { requests: 1 },
  });
  expect(pages.flatMap((page) => page.repositories)).toContainEqual(
    expect.objectContaining({ fullName: "acme/legacy", selected: false, because: "excluded: archived" }),
  );
  expect(await world.call("GET", "/campaigns")).toEqual({ campaigns: [] });
  expect(await world.call("GET", "/audit")).toEqual({ entries: [] });
  expect(world.codeHost.mutations).toEqual([]);
});

test("says of every repository what a run of the spec would, whatever the sources", async () => {
  world.codeHost.pushAsHuman("acme/web", "next", { "a.txt": "a" });
  const files = { ".nvmrc": "22\n" };
  const stale = world.codeHost.addRepository({ owner: "acme", name: "stale", files });
  const saved = world.codeHost.addRepository({ owner: "acme", name: "saved", files: { ...files, "volta.json": "22" } });
  world.codeHost.freezeCodeIndex();
  for (const repository of [stale, saved]) await removeFile(repository, ".nvmrc");
  const spec = specText({
    on: [
      { codeSearch: "filename:.nvmrc 22", org: "acme" },
      { codeSearch: "filename:volta.json", org: "acme" },
      { repository: "acme/web", branch: "next" },
      { repository: "acme/gone" },
      { search: "web", org: "acme" },
    ],
    filters: { exclude: [{ name: "docs" }] },
  });
  const verdicts = await selected(spec);
  expect(verdicts.map((verdict) => verdict.split(":")[0])).toEqual([
    "acme/api in",
    "acme/docs out",
    "acme/gone out",
    "acme/legacy out",
    "acme/saved in",
    "acme/stale out",
    "acme/web in",
    "acme/worker in",
  ]);
  expect(await previewed(spec)).toEqual(verdicts.map((verdict) => verdict.replace(/ in: .*/, " in")));
});

describe("is refused", () => {
  const spec = specText();

  test("with every problem of a spec that is wrong", async () => {
    const wrong = { spec: specText({ on: [{ orgs: "acme" }] }), source: "a.yaml", part: 0 };
    expect(await refused(wrong)).toMatchObject({
      status: 422,
      code: "invalid-spec",
      problems: [{ path: "on[0].orgs" }],
    });
  });

  test.each([
    ["no part", {}, "part: "],
    ["a part that is not there", { part: 1 }, "part: the selection of this spec has the parts 0 to 0, and no part 1"],
    ["half a part", { part: 0.5 }, "part: "],
    ["a cursor that is none", { part: 0, cursor: "2" }, "cursor: it is none of this spec and part"],
    ["a cursor with another's checksum", { part: 0, cursor: "0123456789abcdef.2" }, "cursor: it is none"],
  ])("with %s, and names the field", async (_, place, message) => {
    const answer = await refused({ spec, ...place });
    expect(answer).toMatchObject({ status: 400, code: "invalid-request", message: expect.stringContaining(message) });
  });

  test("with the cursor of another spec", async () => {
    const { next } = await read(spec, { part: 0 });
    expect(next?.cursor).toBeDefined();
    expect(await refused({ spec: specText({ description: "other" }), ...next })).toMatchObject({ status: 400 });
    expect((await ask({ spec, ...next })).status).toBe(200);
  });

  test("while GitHub has to be waited for, and says for how long", async () => {
    const at = new Date(world.clock.now().getTime() + 41_500);
    world.codeHost.failNext("organizationPage", new CodeHostBusy("The search budget is used up.", at));
    const busy = { status: 503, code: "github-busy", message: "The search budget is used up.", retryAfter: "42" };
    expect(await refused({ spec, part: 0 })).toEqual(busy);
    world.codeHost.failNext("organizationPage", new CodeHostBusy("Just over.", world.clock.now()));
    expect(await refused({ spec, part: 0 })).toMatchObject({ retryAfter: "1" });
  });

  test("when GitHub does not answer, or refuses, in the words of that", async () => {
    world.codeHost.failNext("organizationPage", new CodeHostUnavailable("GitHub answered 502."));
    const unavailable = { status: 503, code: "github-unavailable", message: "GitHub answered 502." };
    expect(await refused({ spec, part: 0 })).toEqual({ ...unavailable, retryAfter: null });
    world.codeHost.failNext("organizationPage", new CodeHostRefused("invalid", "Narrow it."));
    expect(await refused({ spec, part: 0 })).toMatchObject({
      status: 422,
      code: "github-refused",
      message: "Narrow it.",
    });
  });
});
