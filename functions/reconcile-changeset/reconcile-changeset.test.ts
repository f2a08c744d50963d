import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changesetNudged } from "#eventing/changeset.ts";
import { allFunctions } from "#functions/all.ts";
import { CodeHostBusy, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import { taskFor } from "#shared/task/task.ts";
import { openFunctionWorld, specText, type FunctionWorld } from "#shared/testing/function-world.ts";
import { reconcileChangeset } from "./reconcile-changeset.ts";

const branch = "campaign/node-24/1/acme-api";
let world: FunctionWorld;
let nudges = 0;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions });
  world.codeHost.addRepository({ owner: "acme", name: "api", files: { ".nvmrc": "22\n" } });
});
afterEach(() => world.close());

async function published(spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
  await world.preview(specText(spec));
  await world.settle();
  await world.call("POST", "/campaigns/node-24/publications");
  await world.settle();
}
const changeset = async () => {
  const [only] = await world.stores.changesets.ofCampaign("node-24");
  if (only === undefined) throw new Error("The campaign has no changeset.");
  return only;
};
const status = async () => (await changeset()).state.status;

/** Nudges the changeset, and answers the status of the delivery and the task. */
async function nudge(): Promise<readonly [number, string]> {
  nudges += 1;
  const where = { campaign: "node-24", organization: "acme", notBefore: world.clock.now(), dedupe: ["test", nudges] };
  const task = taskFor(changesetNudged, { changesetId: (await changeset()).id }, where);
  await world.stores.tasks.addAll([task], world.clock.now());
  const { id, type, data } = task;
  const answer = await world.deliver(reconcileChangeset, { id, source: "/test", type, time: world.clock.now(), data });
  return [answer, (await world.stores.tasks.find(id))?.state ?? "gone"];
}

describe("a pull request of ours", () => {
  beforeEach(() => published());

  test("that nobody touched stays open", async () => {
    expect(await nudge()).toEqual([202, "done"]);
    expect(await status()).toBe("open");
  });

  test("that people merged, closed or opened again is so here too, however often we hear of it", async () => {
    world.codeHost.closeAsHuman("acme/api", 1);
    await nudge();
    await nudge();
    expect(await status()).toBe("closed");
    world.codeHost.reopenAsHuman("acme/api", 1);
    await nudge();
    expect(await status()).toBe("open");
    world.codeHost.mergeAsHuman("acme/api", 1);
    await nudge();
    await nudge();
    expect(await status()).toBe("merged");
  });

  test("that people committed to is left to them, and taken back when the branch is ours again", async () => {
    world.codeHost.pushAsHuman("acme/api", branch, { "fix.txt": "by hand\n" });
    await nudge();
    expect((await changeset()).state).toMatchObject({
      status: "needs-human",
      because: expect.stringContaining(branch),
    });
    world.codeHost.deleteBranch("acme/api", branch);
    await nudge();
    expect(await status()).toBe("closed");
  });

  test("is looked at while the campaign is paused, and after it was killed; nothing is ever written", async () => {
    const before = world.codeHost.mutations.length;
    await world.call("POST", "/campaigns/node-24/pause");
    world.codeHost.closeAsHuman("acme/api", 1);
    await nudge();
    expect(await status()).toBe("closed");
    await world.call("POST", "/campaigns/node-24/kill");
    world.codeHost.reopenAsHuman("acme/api", 1);
    await nudge();
    expect(await status()).toBe("open");
    expect(world.codeHost.mutations).toHaveLength(before);
  });

  test("that GitHub cannot show right now is looked at later", async () => {
    const retryAt = new Date(world.clock.now().getTime() + 60_000);
    world.codeHost.failNext("readPullRequest", new CodeHostBusy("Slow down.", retryAt));
    expect(await nudge()).toEqual([202, "due"]);
    world.codeHost.failNext("readPullRequest", new CodeHostUnavailable("502"));
    expect(await nudge()).toEqual([202, "due"]);
  });

  test("that GitHub will not show stays as it was, counts as looked at, and says why in the log", async () => {
    world.codeHost.uninstall("acme");
    expect(await nudge()).toEqual([202, "done"]);
    expect(await status()).toBe("open");
    expect(await world.stores.changesets.uncheckedSince(world.clock.now(), 10)).toEqual([]);
    expect(JSON.stringify(world.logs.at(-1))).toContain("not installed on acme");
  });

  test("is read again when somebody else wrote meanwhile", async () => {
    world.codeHost.mergeAsHuman("acme/api", 1);
    const [first, second] = await Promise.all([nudge(), nudge()]);
    expect([first, second]).toEqual([
      [202, "done"],
      [202, "done"],
    ]);
    expect(await status()).toBe("merged");
  });

  test("a crash between reading and writing is healed by the next delivery", async () => {
    world.codeHost.mergeAsHuman("acme/api", 1);
    world.codeHost.failNext("readPullRequest", new Error("the process died"), "afterwards");
    expect(await nudge()).toEqual([500, "sent"]);
    expect(await nudge()).toEqual([202, "done"]);
    expect(await status()).toBe("merged");
  });
});

test("with the policy to overwrite, people's commits wait for the next version of the spec", async () => {
  await published({ policies: { drift: "overwrite" } });
  world.codeHost.pushAsHuman("acme/api", branch, { "fix.txt": "by hand\n" });
  await nudge();
  expect(await status()).toBe("open");
});

test("a changeset without a pull request is left alone", async () => {
  await world.preview(specText());
  await world.settle();
  expect(await nudge()).toEqual([202, "done"]);
  expect(await status()).toBe("unpublished");
});
