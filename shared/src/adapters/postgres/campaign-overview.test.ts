import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { standings } from "#shared/campaign/campaign-overview.ts";
import type { Changeset, ChangesetState } from "#shared/changeset/changeset.ts";
import type { ExecutionState } from "#shared/execution/execution.ts";
import { workspaceAt } from "#shared/execution/workspace.ts";
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

const standing = async (name: string) => (await overview().repository("tidy", 1, `acme/${name}`))[0];

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

  test.each<[string, ChangesetState, string]>([
    ["open", { status: "open", published }, "it is archived"],
    ["needs-human", { status: "needs-human", because, published }, because],
    ["failed", { status: "failed", because, published }, because],
    ["closing", { status: "closing", because, published }, because],
    ["excluded", { status: "failed", because }, "it is archived"],
    ["excluded", { status: "merged", published }, "it is archived"],
    ["excluded", { status: "closed", published }, "it is archived"],
    ["excluded", { status: "withdrawn", because }, "it is archived"],
  ])("is %s where it is not selected and its changeset says %j", async (name, state, why) => {
    const repository = aRepository();
    const target = { campaign: "tidy", run: 1, key: "1", repository, fullName: "acme/api", selected: false };
    await stores.runs.addTargets([{ ...target, because: "it is archived" }]);
    await stores.changesets.addAll([aChangeset({ repository, state })], noon);
    expect(await standing("api")).toMatchObject({ standing: name, because: why });
    expect(await overview().counts("tidy", 1)).toEqual({ [name]: 1 });
  });
});

describe("a repository that is divided", () => {
  const mono = aRepository({ id: 77, name: "mono" });
  const target = {
    campaign: "tidy",
    run: 1,
    key: "77",
    repository: mono,
    fullName: "acme/mono",
    because: "all are in",
  };
  const all = () => overview().repository("tidy", 1, "acme/mono");

  test("waits while its workspaces are being found, and says what for", async () => {
    await stores.runs.addTargets([{ ...target, selected: true, workspaceLookup: "pending" }]);
    expect(await all()).toEqual([
      { fullName: "acme/mono", standing: "pending", because: "its workspaces are being found" },
    ]);
    const task = aTask("a", { campaign: "tidy", subject: "tidy/1/77" });
    await stores.tasks.addAll([task], noon);
    const begun = await stores.tasks.begin(task.id, noon, 1);
    if (begun) await stores.tasks.postpone(begun, noon, "GitHub asks to wait", noon);
    expect(await all()).toMatchObject([{ standing: "pending", because: "GitHub asks to wait" }]);
  });

  test("has failed when they could not be found, and is cancelled with its campaign", async () => {
    await stores.runs.addTargets([{ ...target, selected: true, workspaceLookup: "pending" }]);
    await stores.runs.lookupFailed("tidy", 1, "77", "too many");
    expect(await all()).toMatchObject([{ standing: "execution-failed", because: "too many" }]);
    await stores.runs.addTargets([{ ...target, key: "78", selected: true, workspaceLookup: "pending" }]);
    await stores.runs.cancelLookups("tidy", "killed");
    expect(await all()).toMatchObject([{ because: "too many" }, { standing: "cancelled", because: "killed" }]);
  });

  test("has a standing for each workspace, by the changeset of that workspace", async () => {
    for (const [workspace, state] of [
      ["a", { status: "open", published }],
      ["b", { status: "ready" }],
    ] as const) {
      const id = `x-${workspace}`;
      const execution = anExecution({ id, repository: mono, workspace: workspaceAt(workspace, false), state: aPatch });
      await stores.executions.addAll([execution], noon);
      await stores.runs.addTargets([{ ...target, key: `77/${workspace}`, workspace, selected: true, executionId: id }]);
      await stores.changesets.addAll([aChangeset({ repository: mono, workspace, state })], noon);
    }
    expect(await all()).toMatchObject([
      { workspace: "a", standing: "open", executionId: "x-a", pullRequest: { number: 7 } },
      { workspace: "b", standing: "ready", executionId: "x-b" },
    ]);
  });
});

describe("the list of repositories", () => {
  beforeEach(async () => {
    for (const name of ["b", "B", "a-1", "a"]) await put(name, { status: "pending" });
    await put("done", { status: "no-change" });
  });

  test("is read in pages in byte order, each repository once", async () => {
    expect(await inPagesOf(2)).toEqual(["acme/B", "acme/a", "acme/a-1", "acme/b", "acme/done"]);
  });

  test("has the workspaces of a repository one by one, also where a page ends between them", async () => {
    for (const path of ["", "packages/b", "packages/B", "packages/a"]) await putWorkspace(path);
    for (const size of [1, 2, 3, 100]) {
      expect((await inPagesOf(size)).filter((name) => name.startsWith("acme/mono"))).toEqual([
        "acme/mono",
        "acme/mono packages/B",
        "acme/mono packages/a",
        "acme/mono packages/b",
      ]);
    }
  });

  async function inPagesOf(limit: number): Promise<readonly string[]> {
    const names: string[] = [];
    for (let after: { fullName: string; workspace: string } | undefined; ;) {
      const page = await overview().repositories({ campaign: "tidy", run: 1, limit, ...(after && { after }) });
      names.push(...page.map(({ fullName, workspace }) => [fullName, workspace].filter(Boolean).join(" ")));
      const last = page.at(-1);
      if (last === undefined) return names;
      after = { fullName: last.fullName, workspace: last.workspace ?? "" };
    }
  }

  async function putWorkspace(workspace: string): Promise<void> {
    const key = `900/${workspace}`;
    const id = `x-${workspace}`;
    await stores.executions.addAll([anExecution({ id, workspace: workspaceAt(workspace, false) })], noon);
    const target = { campaign: "tidy", run: 1, fullName: "acme/mono", selected: true, because: "all are in" };
    await stores.runs.addTargets([{ ...target, key, workspace, executionId: id }]);
  }

  test("can be narrowed to one standing, and counted by it", async () => {
    const done = await overview().repositories({ campaign: "tidy", run: 1, standing: "no-change", limit: 10 });
    expect(done.map(({ fullName }) => fullName)).toEqual(["acme/done"]);
    const counts = await overview().counts("tidy", 1);
    expect(counts).toEqual({ pending: 4, "no-change": 1 });
    for (const name of Object.keys(counts)) expect(standings).toContain(name);
    expect(await overview().counts("tidy", 2)).toEqual({});
  });
});
