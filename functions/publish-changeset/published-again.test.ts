import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changesetNudged, changesetReady } from "#eventing/changeset.ts";
import { allFunctions } from "#functions/all.ts";
import { reconcileChangeset } from "#functions/reconcile-changeset/reconcile-changeset.ts";
import { CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import { taskFor } from "#shared/task/task.ts";
import { openFunctionWorld, specText, type FunctionWorld } from "#shared/testing/function-world.ts";
import { publishChangeset } from "./publish-changeset.ts";

const pullRequest = { title: "Move to Node 24" };
const branch = "campaign/node-24/1/acme-api";

let world: FunctionWorld;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions });
  world.codeHost.addRepository({ owner: "acme", name: "api", files: { ".nvmrc": "22\n" } });
  await world.preview(specText({ pullRequest }));
  await world.settle();
  await world.call("POST", "/campaigns/node-24/publications");
});
afterEach(() => world.close());

const deliver = () => world.deliver(publishChangeset, world.announced(changesetReady));
const pullRequests = () => world.codeHost.pullRequests("acme/api");
const changeset = async () => (await world.stores.changesets.ofCampaign("node-24"))[0];

async function addNudge(): Promise<void> {
  const { id: changesetId = "", version } = (await changeset()) ?? {};
  const where = { campaign: "node-24", organization: "acme", notBefore: world.clock.now(), dedupe: [version ?? 0] };
  await world.stores.tasks.addAll([taskFor(changesetNudged, { changesetId }, where)], world.clock.now());
}

/** Compares the changeset with its pull request, and does what is due. */
async function nudge(): Promise<void> {
  await addNudge();
  await world.settle();
}

describe("a newer version of the spec", () => {
  /** Previews version 2 and asks for it; nothing of version 1 is due meanwhile. */
  async function askForVersion2(): Promise<unknown> {
    await world.preview(specText({ pullRequest: { title: "Move to Node 24 at last" } }));
    await world.settle();
    return world.call("POST", "/campaigns/node-24/publications");
  }
  const expectVersion2 = async () => {
    expect(pullRequests()).toMatchObject([{ number: 1, state: "open", title: "Move to Node 24 at last" }]);
    expect(pullRequests()[0]?.headBranch).toBe(branch);
    expect((await changeset())?.state).toMatchObject({
      status: "open",
      published: { pullRequest: 1, specVersion: 2, branch },
    });
    expect(await world.database.database.knex("publish_slots")).toHaveLength(1);
  };

  test("that is asked for while the one before is being published ends in the same pull request", async () => {
    world.codeHost.failNext("openPullRequest", new CodeHostUnavailable("GitHub answered 502."), "afterwards");
    await deliver();
    expect(await askForVersion2()).toMatchObject({ asked: 0, under_way: 1 });
    expect((await changeset())?.state).toMatchObject({ status: "publishing", askedAgain: true });
    world.clock.advance(1_000);
    await world.settle();
    await expectVersion2();
  });

  test("finds the pull request whose opening was never answered, though the one before was refused then", async () => {
    world.codeHost.failNext("openPullRequest", new CodeHostUnavailable("GitHub answered 502."), "afterwards");
    await deliver();
    world.clock.advance(1_000);
    world.codeHost.failNext("branchHead", new CodeHostRefused("archived", "acme/api is archived."));
    await deliver();
    expect((await changeset())?.state).toMatchObject({ status: "failed", pushed: { branch } });
    expect(await askForVersion2()).toMatchObject({ asked: 1 });
    await world.settle();
    await expectVersion2();
  });

  test("replaces what people committed when its own policy says so, though the one before was left to them", async () => {
    await deliver();
    world.codeHost.pushAsHuman("acme/api", branch, { "by-hand.txt": "by hand\n" });
    await nudge();
    expect((await changeset())?.state.status).toBe("needs-human");
    expect(await world.call("POST", "/campaigns/node-24/publications")).toMatchObject({ asked: 0, left: 1 });

    await world.preview(
      specText({ pullRequest: { title: "Move to Node 24 at last" }, policies: { drift: "overwrite" } }),
    );
    await world.settle();
    expect(await world.call("POST", "/campaigns/node-24/publications")).toMatchObject({ asked: 1 });
    // A sweep that comes between asking and publishing does not hand it back to people.
    await addNudge();
    world.dispatcher.kick();
    await world.dispatcher.idle();
    expect(await world.deliver(reconcileChangeset, world.announced(changesetNudged))).toBe(202);
    expect((await changeset())?.state.status).toBe("ready");
    await world.settle();
    await expectVersion2();
    expect(world.codeHost.fileAt("acme/api", branch, "by-hand.txt")).toBeUndefined();
  });
});

test("what changed after a merge is published again, though the version of the spec is the same", async () => {
  await world.settle();
  world.codeHost.mergeAsHuman("acme/api", 1);
  await nudge();
  expect((await changeset())?.state.status).toBe("merged");

  world.codeHost.pushAsHuman("acme/api", "main", { "changed.txt": "changed back\n" });
  await world.preview(specText({ pullRequest }));
  await world.settle();
  await world.call("POST", "/campaigns/node-24/publications");
  await world.settle();
  expect(pullRequests().map(({ state }) => state)).toEqual(["merged", "open"]);
});
