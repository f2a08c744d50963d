import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { standings } from "#shared/campaign/campaign-overview.ts";
import type { Changeset, ChangesetState } from "#shared/changeset/changeset.ts";
import type { ExecutionState } from "#shared/execution/execution.ts";
import {
  aChangeset,
  anExecution,
  aPatch,
  aPublished,
  aRepository,
  aSpecVersion,
  aTask,
  noon,
} from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { createCampaignOverview } from "./campaign-overview.ts";
import { createStores, type Stores } from "./stores.ts";

let db: TestDatabase;
let stores: Stores;
beforeEach(async () => {
  db = await testDatabase();
  stores = createStores(db.database.knex, []);
  await stores.campaigns.apply(aSpecVersion());
  await stores.runs.create({ campaign: "tidy", specVersion: 1, requestedBy: "ana", requestedAt: noon });
});
afterEach(() => db.drop());

const overview = () => createCampaignOverview(db.database.knex);
const published = aPublished();
const because = "reasons";
let lastId = 0;

/** Puts a selected repository into run 1, with what became of it. */
async function put(name: string, execution: ExecutionState, changeset?: ChangesetState): Promise<Changeset> {
  lastId += 1;
  const repository = aRepository({ id: lastId, name });
  const executionId = `x-${name}`;
  await stores.executions.addAll([anExecution({ id: executionId, repository, state: execution })], noon);
  await stores.runs.addTargets([
    {
      campaign: "tidy",
      run: 1,
      key: `${lastId}`,
      repository,
      fullName: `acme/${name}`,
      selected: true,
      because: "all are in",
      executionId,
    },
  ]);
  const made = aChangeset({ repository, ...(changeset && { state: changeset }) });
  if (changeset !== undefined) await stores.changesets.addAll([made], noon);
  return made;
}

const standing = (name: string) => overview().repository("tidy", 1, `acme/${name}`);

describe("where a repository stands", () => {
  test.each<[string, ExecutionState, string]>([
    ["pending", { status: "pending" }, "all are in"],
    ["running", { status: "running" }, "all are in"],
    ["no-change", { status: "no-change" }, "all are in"],
    ["execution-failed", { status: "failed", because }, because],
    ["cancelled", { status: "cancelled", because }, because],
    ["unpublished", aPatch, "all are in"],
  ])("is %s by its execution, and why", async (name, execution, why) => {
    await put("api", execution);
    expect(await standing("api")).toMatchObject({ standing: name, because: why, executionId: "x-api" });
  });

  test.each<ChangesetState>([
    { status: "ready" },
    { status: "publishing", desired: aChangeset().desired },
    { status: "open", published },
    { status: "needs-human", because, published },
    { status: "merged", published },
    { status: "closed", published },
    { status: "failed", because },
    { status: "withdrawn", because },
  ])("is $status as its changeset says", async (state) => {
    const { id } = await put("api", aPatch, state);
    const seen = await standing("api");
    expect(seen).toMatchObject({
      standing: state.status,
      changesetId: id,
      filesChanged: 2,
      additions: 5,
      deletions: 1,
    });
    expect(seen?.because).toBe("because" in state ? because : "all are in");
    expect(seen?.pullRequest?.number).toBe("published" in state ? 7 : undefined);
  });

  test("is that of the pull request of an earlier run where this one found no change or failed", async () => {
    await put("api", { status: "no-change" }, { status: "open", published });
    await put("web", { status: "failed", because }, { status: "open", published });
    expect(await standing("api")).toMatchObject({ standing: "open", pullRequest: { url: published.url } });
    expect(await standing("web")).toMatchObject({ standing: "open", because });
  });

  test("gives the reason of a failed execution, whatever its changeset says of it", async () => {
    await put("api", { status: "failed", because: "exit code 1" }, { status: "withdrawn", because: "no patch" });
    expect(await standing("api")).toMatchObject({ standing: "execution-failed", because: "exit code 1" });
  });

  test("says what the code host would not take, and what it waits for", async () => {
    await put("noted", aPatch, { status: "open", published: { ...published, notes: ["no labels", "no reviewers"] } });
    const { id } = await put("waiting", aPatch, { status: "ready" });
    const task = aTask("a", { campaign: "tidy", subject: id });
    await stores.tasks.addAll([task], noon);
    const begun = await stores.tasks.begin(task.id, noon, 1);
    if (begun) await stores.tasks.postpone(begun, noon, "the daily cap of acme is reached", noon);
    expect(await standing("noted")).toMatchObject({ because: "no labels; no reviewers" });
    expect(await standing("waiting")).toMatchObject({ standing: "ready", because: "the daily cap of acme is reached" });
  });

  test("is excluded with the reason, also when it could not be seen", async () => {
    const out = { campaign: "tidy", run: 1, selected: false } as const;
    await stores.runs.addTargets([
      { ...out, key: "9", repository: aRepository({ id: 9 }), fullName: "acme/old", because: "it is archived" },
      { ...out, key: "name:acme/secret", fullName: "acme/secret", because: "no access" },
    ]);
    expect(await standing("old")).toEqual({ fullName: "acme/old", standing: "excluded", because: "it is archived" });
    expect(await standing("SECRET")).toMatchObject({ standing: "excluded", because: "no access" });
    expect(await standing("nobody")).toBeUndefined();
  });
});

describe("the list of repositories", () => {
  beforeEach(async () => {
    for (const name of ["b", "B", "a-1", "a"]) await put(name, { status: "pending" });
    await put("done", { status: "no-change" });
  });

  test("is read in pages in byte order, each repository once", async () => {
    const names: string[] = [];
    for (;;) {
      const after = names.at(-1);
      const page = await overview().repositories({ campaign: "tidy", run: 1, limit: 2, ...(after && { after }) });
      if (page.length === 0) break;
      names.push(...page.map(({ fullName }) => fullName));
    }
    expect(names).toEqual(["acme/B", "acme/a", "acme/a-1", "acme/b", "acme/done"]);
  });

  test("can be narrowed to one standing, and counted by it", async () => {
    const done = await overview().repositories({ campaign: "tidy", run: 1, standing: "no-change", limit: 10 });
    expect(done.map(({ fullName }) => fullName)).toEqual(["acme/done"]);
    const counts = await overview().counts("tidy", 1);
    expect(counts).toEqual({ pending: 4, "no-change": 1 });
    for (const name of Object.keys(counts)) expect(standings).toContain(name);
    expect(await overview().counts("tidy", 2)).toEqual({});
  });
});
