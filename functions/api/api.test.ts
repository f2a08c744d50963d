import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { allFunctions } from "#functions/all.ts";
import {
  applyResponse,
  auditBody,
  campaignBody,
  errorBody,
  logsBody,
  previewResponse,
  publishResponse,
  repositoriesBody,
  statusBody,
  verificationBody,
  type ErrorBody,
} from "#shared/api/schemas.ts";
import { apiRequest, openFunctionWorld, specText, writes, type FunctionWorld } from "#shared/testing/function-world.ts";
import { api, createApi } from "./api.ts";
import { apiNeeds } from "./capabilities.ts";

let world: FunctionWorld;
beforeEach(async () => {
  world = await openFunctionWorld({
    functions: allFunctions,
    transform: ({ source }) => {
      if (source.name === "broken") return { fails: "Step 1 ended with exit code 3." };
      return source.name === "same" ? [] : writes({ ".nvmrc": "24\n" });
    },
  });
  for (const name of ["api", "broken", "same"]) {
    world.codeHost.addRepository({ owner: "acme", name, files: { ".nvmrc": "22\n" } });
  }
});
afterEach(() => world.close());

const ask = (method: string, path: string, body?: unknown, authorization?: string) =>
  world.request(api, apiRequest(method, path, body, authorization));

/** Asks, and answers status and error. */
async function refused(...asked: Parameters<typeof ask>): Promise<readonly [number, ErrorBody["error"]]> {
  const response = await ask(...asked);
  return [response.status, errorBody.parse(await response.json()).error];
}

async function previewed(): Promise<void> {
  await world.preview(specText());
  await world.settle();
}

describe("a campaign", () => {
  test("is applied, and applying the same meaning again makes no new version", async () => {
    const first = applyResponse.parse(await world.call("POST", "/campaigns", { spec: specText() }));
    expect(first).toMatchObject({ campaign: "node-24", specVersion: 1, changed: true });
    const again = { spec: `# the same\n${specText()}`, source: "campaign.yaml" };
    expect(await world.call("POST", "/campaigns", again)).toMatchObject({ specVersion: 1, changed: false });
    const changed = { spec: specText({ description: "Because of LTS." }) };
    expect(await world.call("POST", "/campaigns", changed)).toMatchObject({ specVersion: 2, changed: true });
  });

  test("is listed, the newest first", async () => {
    await world.call("POST", "/campaigns", { spec: specText({ name: "older" }) });
    world.clock.advance(1000);
    await world.call("POST", "/campaigns", { spec: specText({ name: "newer" }) });
    const { campaigns } = (await world.call("GET", "/campaigns")) as { campaigns: unknown[] };
    expect(campaigns.map((each) => campaignBody.parse(each).name)).toEqual(["newer", "older"]);
  });

  test("shows its state before, during and after its preview", async () => {
    await world.call("POST", "/campaigns", { spec: specText() });
    expect(await world.call("GET", "/campaigns/node-24")).toEqual({
      campaign: { name: "node-24", status: "active", currentVersion: 1, createdAt: "2026-03-02T09:00:00.000Z" },
      standings: {},
      deadTasks: [],
    });
    const started = previewResponse.parse(await world.call("POST", "/campaigns/node-24/previews"));
    expect(started).toMatchObject({ started: true, run: { number: 1, requestedBy: "ada", finished: false } });
    expect(await world.call("POST", "/campaigns/node-24/previews")).toMatchObject({ started: false });
    await world.settle();
    expect(statusBody.parse(await world.call("GET", "/campaigns/node-24"))).toMatchObject({
      run: { finished: true, progress: { selected: 3, patches: 1, noChange: 1, failed: 1 } },
      standings: { unpublished: 1, "no-change": 1, "execution-failed": 1 },
    });
    expect(world.codeHost.mutations).toEqual([]);
  });

  test("is published once, however often it is asked for", async () => {
    await previewed();
    expect(publishResponse.parse(await world.call("POST", "/campaigns/node-24/publications"))).toMatchObject({
      asked: 1,
    });
    expect(await world.call("POST", "/campaigns/node-24/publications")).toMatchObject({ asked: 0, under_way: 1 });
    await world.settle();
    expect(await world.call("POST", "/campaigns/node-24/publications")).toMatchObject({ asked: 0, published: 1 });
    expect(world.codeHost.pullRequests("acme/api")).toHaveLength(1);
  });

  test("is paused, resumed and killed, each as often as one likes; a kill is for good", async () => {
    await previewed();
    for (const [verb, status] of [
      ["pause", "paused"],
      ["pause", "paused"],
      ["resume", "active"],
      ["resume", "active"],
      ["kill", "killed"],
      ["kill", "killed"],
    ] as const) {
      expect(campaignBody.parse(await world.call("POST", `/campaigns/node-24/${verb}`)).status).toBe(status);
    }
    for (const path of ["resume", "pause", "previews", "publications"]) {
      expect(await refused("POST", `/campaigns/node-24/${path}`)).toMatchObject([409, { code: "conflict" }]);
    }
    const [status] = await refused("POST", "/campaigns", { spec: specText({ description: "again" }) });
    expect(status).toBe(409);
  });

  test("that is killed ends what runs", async () => {
    await world.preview(specText());
    world.sandbox.goDown();
    await world.settle();
    world.sandbox.comeBack();
    await world.call("POST", "/campaigns/node-24/kill");
    await world.settle();
    expect(await world.call("GET", "/campaigns/node-24")).toMatchObject({
      run: { finished: true },
      standings: { cancelled: 3 },
    });
  });

  test("is killed although its executions move meanwhile", async () => {
    await previewed();
    await world.preview(specText({ steps: [{ run: "true", image: "alpine:3" }] }));
    world.sandbox.goDown();
    await world.settle();
    const granted = world.opened.grant(apiNeeds);
    let moved = false;
    const transact: typeof granted.transact = (work) =>
      granted.transact((stores) =>
        work({
          ...stores,
          executions: {
            ...stores.executions,
            async get(id) {
              const execution = await stores.executions.get(id);
              // Somebody else notes that it was started, right after it was read.
              if (!moved)
                await world.stores.executions.save({ ...execution, state: { status: "running" } }, new Date(0));
              moved = true;
              return execution;
            },
          },
        }),
      );
    const app = createApi({ ...granted, transact });
    const answer = await app.fetch(apiRequest("POST", "/campaigns/node-24/kill"));
    expect([moved, answer.status]).toEqual([true, 200]);
    expect(await world.stores.executions.idsWithStatus("node-24", "running")).toEqual([]);
  });

  test("that is paused is not previewed, and says how to go on", async () => {
    await world.call("POST", "/campaigns", { spec: specText() });
    await world.call("POST", "/campaigns/node-24/pause");
    const message = expect.stringContaining("octobatch resume node-24");
    expect(await refused("POST", "/campaigns/node-24/previews")).toEqual([409, { code: "conflict", message }]);
  });

  test("is not published before its newest version was previewed to the end", async () => {
    await world.call("POST", "/campaigns", { spec: specText() });
    const [status, error] = await refused("POST", "/campaigns/node-24/publications");
    expect([status, error.message]).toEqual([409, expect.stringContaining("Spec version 1 was not previewed yet")]);
    await world.call("POST", "/campaigns/node-24/previews");
    const [, unfinished] = await refused("POST", "/campaigns/node-24/publications");
    expect(unfinished.message).toContain("not finished");
    await world.settle();
    await world.call("POST", "/campaigns", { spec: specText({ description: "newer" }) });
    const [, stale] = await refused("POST", "/campaigns/node-24/publications");
    expect(stale.message).toContain("Spec version 2 was not previewed yet");
  });
});

describe("its repositories", () => {
  beforeEach(previewed);

  test("come in pages, by name, each with where it stands and why", async () => {
    const first = repositoriesBody.parse(await world.call("GET", "/campaigns/node-24/repositories?limit=2"));
    expect(first.repositories.map(({ fullName, standing }) => [fullName, standing])).toEqual([
      ["acme/api", "unpublished"],
      ["acme/broken", "execution-failed"],
    ]);
    expect(first.repositories[1]?.because).toContain("exit code 3");
    const next = await world.call("GET", `/campaigns/node-24/repositories?limit=2&after=${first.next}`);
    expect(repositoriesBody.parse(next)).toMatchObject({ repositories: [{ fullName: "acme/same" }] });
    expect(next).not.toHaveProperty("next");
  });

  test("can be filtered by where they stand", async () => {
    const failed = await world.call("GET", "/campaigns/node-24/repositories?standing=execution-failed");
    expect(failed).toMatchObject({ repositories: [{ fullName: "acme/broken" }] });
  });

  test("show the patch as git writes it, and nothing where nothing changes", async () => {
    const response = await ask("GET", "/campaigns/node-24/repositories/Acme/API/diff");
    expect(response.headers.get("content-type")).toMatch(/^text\/x-diff/);
    expect(await response.text()).toContain("diff --git a/.nvmrc b/.nvmrc");
    expect(await (await ask("GET", "/campaigns/node-24/repositories/acme/same/diff")).text()).toBe("");
  });

  test("show what the steps printed, and why they failed", async () => {
    const logs = logsBody.parse(await world.call("GET", "/campaigns/node-24/repositories/acme/broken/logs"));
    expect(logs).toMatchObject({ steps: [{ log: "ran 1 steps\n" }], failure: "Step 1 ended with exit code 3." });
  });

  test("that are not there, or whose artifacts have expired, are 404", async () => {
    for (const path of ["acme/nowhere/diff", "acme/nowhere/logs", "..%2F..%2Fetc/passwd/diff"]) {
      expect((await refused("GET", `/campaigns/node-24/repositories/${path}`))[0]).toBe(404);
    }
    for (const key of await world.blobs.list("node-24/")) await world.blobs.remove(key);
    expect((await refused("GET", "/campaigns/node-24/repositories/acme/api/diff"))[0]).toBe(404);
  });
});

test("the audit log says who did what, in pages, and that nobody has changed it", async () => {
  await previewed();
  const { entries } = auditBody.parse(await world.call("GET", "/audit?campaign=node-24"));
  expect(entries.map(({ actor, action }) => [actor, action])).toEqual([
    ["ada", "campaign.applied"],
    ["ada", "campaign.previewed"],
  ]);
  expect(await world.call("GET", "/audit?after=1&limit=1")).toMatchObject({ entries: [{ seq: 2 }] });
  const verified = verificationBody.parse(await world.call("GET", "/audit/verification"));
  expect(verified).toMatchObject({ intact: true, entries: 2, lastHash: entries[1]?.hash });
});
