import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changesetReady } from "#eventing/changeset.ts";
import { allFunctions } from "#functions/all.ts";
import { CodeHostRefused, CodeHostUnavailable, type CodeHost } from "#shared/ports/code-host.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { openFunctionWorld, specText, type FunctionWorld } from "#shared/testing/function-world.ts";
import { publishChangeset } from "./publish-changeset.ts";

const pullRequest = {
  title: "Move to Node 24",
  body: "Because of **LTS**.",
  labels: ["node"],
  assignees: ["ada"],
  reviewers: ["ada"],
};
const branch = "campaign/node-24/1/acme-api";

let world: FunctionWorld;
let event: BusEvent;

async function arrange(spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
  world.codeHost.addRepository({ owner: "acme", name: "api", files: { ".nvmrc": "22\n" }, collaborators: ["ada"] });
  await world.preview(specText({ pullRequest, ...spec }));
  await world.settle();
  await world.call("POST", "/campaigns/node-24/publications");
  event = world.announced(changesetReady);
}

const deliver = () => world.deliver(publishChangeset, event);
const pullRequests = () => world.codeHost.pullRequests("acme/api");
const changeset = async () => (await world.stores.changesets.ofCampaign("node-24"))[0];
const task = () => world.stores.tasks.find(event.id);
const actions = async () =>
  (await world.stores.audit.page({ campaign: "node-24", limit: 100 })).map(({ action }) => action);

beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions });
});
afterEach(() => world.close());

describe("publishing", () => {
  beforeEach(() => arrange());

  test("makes the commit, the branch and the pull request with all that belongs to it, and writes each down", async () => {
    expect(world.codeHost.mutations).toEqual([]);
    expect(await deliver()).toBe(202);
    expect(pullRequests()).toMatchObject([
      { state: "open", title: "Move to Node 24", headBranch: branch, labels: ["node"], assignees: ["ada"] },
    ]);
    const id = (await changeset())?.id;
    expect(pullRequests()[0]?.body).toContain(`octobatch campaign=node-24 changeset=${id} spec-version=1`);
    const changed = world.codeHost.fileAt("acme/api", branch, "changed.txt");
    expect(changed).toEqual({ mode: "100644", content: new TextEncoder().encode("changed\n") });
    expect((await changeset())?.state).toMatchObject({ status: "open", published: { pullRequest: 1, branch } });
    expect(await task()).toMatchObject({ state: "done" });
    expect(await actions()).toEqual([
      "campaign.applied",
      "campaign.previewed",
      "campaign.published",
      "branch.moved",
      "pull-request.opened",
      "labels.added",
      "assignees.added",
      "reviewers.added",
    ]);
  });

  test("twice, one after the other or at the same time, opens one pull request", async () => {
    expect(await Promise.all([deliver(), deliver()])).toEqual([202, 202]);
    expect(await deliver()).toBe(202);
    expect(pullRequests()).toHaveLength(1);
    const methods = world.codeHost.mutations.map(({ method }) => method);
    expect(methods).toEqual([...new Set(methods)]);
  });

  test.each<{ readonly calls: readonly (keyof CodeHost)[] }>([
    { calls: ["createCommit"] },
    { calls: ["moveBranch"] },
    { calls: ["openPullRequest"] },
    { calls: ["addLabels"] },
    { calls: ["addAssignees"] },
    { calls: ["requestReviewers"] },
    // What the first attempt need not look for, the next one does.
    { calls: ["createCommit", "findPullRequest"] },
    { calls: ["openPullRequest", "findPullRequest"] },
    { calls: ["moveBranch", "branchHead"] },
  ])(
    "a crash right after each of $calls is healed by the next delivery, and nothing is done or written down twice",
    async ({ calls }) => {
      for (const method of calls) {
        world.codeHost.failNext(method, new Error("the process died"), "afterwards");
        expect(await deliver()).toBe(500);
        expect(await task()).toMatchObject({ state: "sent", because: "the process died" });
      }
      expect(await deliver()).toBe(202);
      expect(pullRequests()).toMatchObject([{ state: "open", labels: ["node"], requestedReviewers: ["ada"] }]);
      expect((await changeset())?.state.status).toBe("open");
      expect(await actions()).toHaveLength(8);
    },
  );

  test.each(["createCommit", "moveBranch", "openPullRequest", "addLabels"] satisfies (keyof CodeHost)[])(
    "GitHub not answering %s is waited for in the table, not in the broker",
    async (method) => {
      world.codeHost.failNext(method, new CodeHostUnavailable("GitHub answered 502."));
      expect(await deliver()).toBe(202);
      expect(await task()).toMatchObject({ state: "due", because: "GitHub answered 502." });
      world.clock.advance(2_000);
      await world.settle();
      expect(pullRequests()).toHaveLength(1);
    },
  );

  test("while the campaign is paused nothing is mutated; resuming it publishes", async () => {
    await world.call("POST", "/campaigns/node-24/pause");
    expect(await deliver()).toBe(202);
    expect(world.codeHost.mutations).toEqual([]);
    expect(await task()).toMatchObject({ state: "due", because: "Campaign node-24 is paused." });
    await world.settle();
    expect(world.codeHost.mutations).toEqual([]);
    await world.call("POST", "/campaigns/node-24/resume");
    await world.settle();
    expect(pullRequests()).toHaveLength(1);
  });

  test("after a kill an event that was under way mutates nothing", async () => {
    await world.call("POST", "/campaigns/node-24/kill");
    expect(await deliver()).toBe(202);
    expect(world.codeHost.mutations).toEqual([]);
    expect(await task()).toMatchObject({ state: "cancelled" });
  });

  test("a kill between two mutations stops it before the next", async () => {
    world.codeHost.failNext("moveBranch", new Error("the process died"), "afterwards");
    await deliver();
    await world.call("POST", "/campaigns/node-24/kill");
    await deliver();
    expect(world.codeHost.mutations.map(({ method }) => method)).toEqual(["createCommit", "moveBranch"]);
  });

  test("what GitHub refuses is kept with its reason, and the slot of the day is free again", async () => {
    world.codeHost.protectBranch("acme/api", branch);
    expect(await deliver()).toBe(202);
    const because = expect.stringContaining("branch protection");
    expect((await changeset())?.state).toEqual({ status: "failed", because });
    expect(await world.database.database.knex("publish_slots")).toEqual([]);
  });

  test("a missing installation is refused before anything is begun, and left to bury", async () => {
    world.codeHost.uninstall("acme");
    expect(await deliver()).toBe(422);
    expect((await changeset())?.state.status).toBe("ready");
  });

  test("a pull request that was merged while we were away is a fact", async () => {
    world.codeHost.failNext("openPullRequest", new Error("the process died"), "afterwards");
    await deliver();
    world.codeHost.mergeAsHuman("acme/api", 1);
    expect(await deliver()).toBe(202);
    expect((await changeset())?.state).toMatchObject({ status: "merged", published: { pullRequest: 1 } });
  });

  test("labels that GitHub will not take are noted; the pull request stands", async () => {
    world.codeHost.failNext("requestReviewers", new CodeHostRefused("invalid", "ada cannot review."));
    expect(await deliver()).toBe(202);
    const notes = [expect.stringContaining("ada cannot review")];
    expect((await changeset())?.state).toMatchObject({ status: "open", published: { notes } });
  });
});

test("the daily cap lets one through and puts the other off until tomorrow, with the reason", async () => {
  world.codeHost.addRepository({ owner: "acme", name: "web", files: { ".nvmrc": "22\n" } });
  await arrange({ policies: { throttle: { pullRequestsPerDay: 1 } } });
  await world.settle();
  expect(world.codeHost.mutations.filter(({ method }) => method === "openPullRequest")).toHaveLength(1);
  const waiting = (await world.stores.changesets.ofCampaign("node-24")).filter(({ state }) => state.status === "ready");
  expect(waiting).toHaveLength(1);
  world.clock.set(new Date("2026-03-03T00:00:00Z"));
  await world.settle();
  expect(world.codeHost.mutations.filter(({ method }) => method === "openPullRequest")).toHaveLength(2);
});

test("at a full cap a changeset waits without anything being asked of GitHub", async () => {
  world.codeHost.addRepository({ owner: "acme", name: "web", files: { ".nvmrc": "22\n" } });
  await arrange({ policies: { throttle: { pullRequestsPerDay: 1 } } });
  const [first, second] = world.bus.published.filter(({ type }) => type === changesetReady.type);
  if (first === undefined || second === undefined) throw new Error("both are announced");
  await world.deliver(publishChangeset, first);
  world.codeHost.failNext("findPullRequest", new CodeHostUnavailable("it was asked all the same"));
  expect(await world.deliver(publishChangeset, second)).toBe(202);
  expect(await world.stores.tasks.find(second.id)).toMatchObject({
    state: "due",
    because: expect.stringContaining("the daily cap of this campaign is reached"),
    failures: 0,
  });
});
