import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changesetReady } from "#eventing/changeset.ts";
import { Conflict } from "#shared/errors.ts";
import { CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import { aSpec } from "#shared/testing/builders.ts";
import { publicationWorld, readyFor, type PublicationWorld } from "#shared/testing/publication-world.ts";
import { publishedOf } from "./changeset.ts";

const branch = "campaign/tidy/1/acme-api";
let world: PublicationWorld;
beforeEach(async () => {
  world = await publicationWorld();
});
afterEach(() => world.close());

const openPullRequests = () => world.codeHost.pullRequests("acme/api").filter(({ state }) => state === "open");

const version2 = { desired: { run: 2, specVersion: 2, executionId: "x-2" } };

/** Version 1 is published, people commit to its branch, version 2 is asked for. Answers people's commit. */
async function driftedBeforeVersion2(): Promise<string> {
  await world.publish();
  const theirs = world.codeHost.pushAsHuman("acme/api", branch, { a: "by hand" });
  await world.put(readyFor(2, (await world.changeset()).state));
  return theirs;
}

describe("a pull request that people have ended meanwhile", () => {
  test.each(["merged", "closed"] as const)("is %s, and nothing is done to it", async (ending) => {
    await world.publish();
    await world.put(readyFor(2, (await world.changeset()).state));
    if (ending === "merged") world.codeHost.mergeAsHuman("acme/api", 1);
    else world.codeHost.closeAsHuman("acme/api", 1);
    const before = world.codeHost.mutations.length;
    expect(await world.publish()).toContain(`is ${ending}`);
    expect(await world.changeset()).toMatchObject({ state: { status: ending, published: { pullRequest: 1 } } });
    expect(world.codeHost.mutations).toHaveLength(before);
  });

  test("is found merged after a crash that forgot it was opened, and its slot stays taken", async () => {
    world.codeHost.failNext("openPullRequest", new CodeHostUnavailable("the answer was lost"), "afterwards");
    await expect(world.publish()).rejects.toBeInstanceOf(CodeHostUnavailable);
    world.codeHost.mergeAsHuman("acme/api", 1);
    await world.publish();
    expect(await world.changeset()).toMatchObject({ state: { status: "merged", published: { pullRequest: 1 } } });
    await world.stores.slots.giveBack((await world.changeset()).id);
    expect(await world.slotsTaken()).toBe(1);
  });
});

describe("what nothing selects any more by the time it is published", () => {
  const desired = { run: 1, specVersion: 1, executionId: "x-1" };
  const because = "no longer selected: excluded: archived";

  test("has a task to close its pull request, which closes it", async () => {
    await world.put({ state: { status: "publishing", desired, closeAsked: because } });
    await world.publish();
    expect((await world.changeset()).state).toMatchObject({
      status: "closing",
      because,
      published: { pullRequest: 1 },
    });
    expect(await world.stores.tasks.counts("tidy")).toMatchObject([{ type: changesetReady.type }]);
    await world.publish();
    expect(world.codeHost.pullRequests("acme/api")).toMatchObject([{ state: "closed" }]);
  });

  test("is withdrawn when nothing was opened", async () => {
    world.codeHost.protectBranch("acme/api", branch);
    await world.put({ state: { status: "publishing", desired, closeAsked: because } });
    await world.publish();
    expect((await world.changeset()).state).toMatchObject({ status: "withdrawn", because });
  });
});

describe("what the code host refuses", () => {
  test("fails with its reason and gives the slot back when nothing was opened", async () => {
    world.codeHost.protectBranch("acme/api", branch);
    expect(await world.publish()).toMatch(/^refused: .*protection/);
    expect(await world.changeset()).toMatchObject({
      state: { status: "failed", because: expect.stringMatching(/protection/) },
    });
    expect(publishedOf((await world.changeset()).state)).toBeUndefined();
    expect(await world.slotsTaken()).toBe(0);
  });

  test("keeps the slot of a pull request that an attempt before had opened", async () => {
    world.codeHost.failNext("openPullRequest", new CodeHostUnavailable("the answer was lost"), "afterwards");
    await expect(world.publish()).rejects.toBeInstanceOf(CodeHostUnavailable);
    world.codeHost.failNext("branchHead", new CodeHostRefused("archived", "acme/api is archived."));
    expect(await world.publish()).toMatch(/^refused/);
    expect(await world.slotsTaken()).toBe(1);
  });

  test("is remembered with the branch that was pushed, whose pull request a newer version finds and goes on with", async () => {
    world.codeHost.failNext("openPullRequest", new CodeHostUnavailable("the answer was lost"), "afterwards");
    await expect(world.publish()).rejects.toBeInstanceOf(CodeHostUnavailable);
    const headCommit = await world.codeHost.branchHead(world.repository, branch);
    world.codeHost.failNext("branchHead", new CodeHostRefused("archived", "acme/api is archived."));
    await world.publish();
    const pushed = { branch, headCommit };
    expect((await world.changeset()).state).toEqual({ status: "failed", because: "acme/api is archived.", pushed });

    await world.put({ state: { status: "ready", pushed: { branch, headCommit: headCommit ?? "" } }, ...version2 });
    await world.publish();
    expect(world.codeHost.pullRequests("acme/api")).toMatchObject([{ number: 1, state: "open", headBranch: branch }]);
    expect(await world.changeset()).toMatchObject({
      state: { status: "open", published: { pullRequest: 1, specVersion: 2 } },
    });
    expect(await world.slotsTaken()).toBe(1);
  });

  test("keeps the pull request of an update in sight", async () => {
    await world.publish();
    await world.put(readyFor(2, (await world.changeset()).state));
    world.codeHost.protectBranch("acme/api", branch);
    await world.publish();
    expect(await world.changeset()).toMatchObject({
      state: { status: "failed", published: { pullRequest: 1, specVersion: 1 } },
    });
    expect(await world.slotsTaken()).toBe(1);
  });
});

describe("the branch as we left it", () => {
  test("is written down with the audit entry, or neither is", async () => {
    const before = await world.changeset();
    await world.withoutAuditLog(() => expect(world.publish()).rejects.toThrow("audit_log"));
    expect((await world.changeset()).state).toEqual({ status: "publishing", desired: before.desired });
    expect(await world.actions()).toEqual([]);

    world.codeHost.failNext("openPullRequest", new CodeHostUnavailable("the line is dead"));
    await expect(world.publish()).rejects.toBeInstanceOf(CodeHostUnavailable);
    const headCommit = await world.codeHost.branchHead(world.repository, branch);
    expect((await world.changeset()).state).toMatchObject({ status: "publishing", pushed: { branch, headCommit } });
    expect(await world.actions()).toEqual(["branch.moved"]);
  });

  test("is moved on by a newer version, also when the version before was given up between push and update", async () => {
    await world.publish();
    await world.put(readyFor(2, (await world.changeset()).state));
    world.spec = aSpec({ pullRequest: { title: "Tidy up more" } });
    world.codeHost.failNext("updatePullRequest", new CodeHostUnavailable("the line is dead"));
    await expect(world.publish()).rejects.toBeInstanceOf(CodeHostUnavailable);
    await world.put(readyFor(3, (await world.changeset()).state));
    await world.publish();
    expect(await world.changeset()).toMatchObject({
      state: { status: "open", published: { pullRequest: 1, specVersion: 3 } },
    });
  });
});

describe("what is asked for while another version is published", () => {
  test("is ready afterwards, with a task of its own, and ends in the same pull request", async () => {
    world.codeHost.failNext("openPullRequest", new CodeHostUnavailable("the answer was lost"), "afterwards");
    await expect(world.publish()).rejects.toBeInstanceOf(CodeHostUnavailable);
    const { state } = await world.changeset();
    if (state.status !== "publishing") throw new Error("it is being published");
    await world.put({ state: { ...state, askedAgain: true }, ...version2 });
    await world.publish();
    expect(await world.changeset()).toMatchObject({
      state: { status: "ready", published: { pullRequest: 1, specVersion: 1 } },
    });
    expect(await world.stores.tasks.counts("tidy")).toEqual([{ type: changesetReady.type, state: "due", count: 1 }]);
    await world.publish();
    expect(world.codeHost.pullRequests("acme/api")).toHaveLength(1);
    expect(await world.changeset()).toMatchObject({
      state: { status: "open", published: { pullRequest: 1, specVersion: 2 } },
    });
    expect(await world.stores.tasks.counts("tidy")).toHaveLength(1);
  });

  test("is not, when people have merged the pull request meanwhile", async () => {
    world.codeHost.failNext("openPullRequest", new CodeHostUnavailable("the answer was lost"), "afterwards");
    await expect(world.publish()).rejects.toBeInstanceOf(CodeHostUnavailable);
    world.codeHost.mergeAsHuman("acme/api", 1);
    const { state } = await world.changeset();
    if (state.status !== "publishing") throw new Error("it is being published");
    await world.put({ state: { ...state, askedAgain: true }, ...version2 });
    await world.publish();
    expect(await world.changeset()).toMatchObject({ state: { status: "merged", published: { specVersion: 1 } } });
    expect(await world.stores.tasks.counts("tidy")).toEqual([]);
  });
});

describe("a branch that people have committed to", () => {
  test("is left to them by default, with its pull request", async () => {
    const theirs = await driftedBeforeVersion2();
    expect(await world.publish()).toMatch(/^left to people/);
    expect(await world.changeset()).toMatchObject({ state: { status: "needs-human", published: { pullRequest: 1 } } });
    expect(await world.codeHost.branchHead(world.repository, branch)).toBe(theirs);
    expect(openPullRequests()).toHaveLength(1);
  });

  test("is overwritten when the policy says so, in the same pull request", async () => {
    const theirs = await driftedBeforeVersion2();
    world.spec = aSpec({ drift: "overwrite" });
    await world.publish();
    expect(await world.codeHost.branchHead(world.repository, branch)).not.toBe(theirs);
    expect(await world.changeset()).toMatchObject({
      state: { status: "open", published: { pullRequest: 1, specVersion: 2 } },
    });
  });

  test("is kept, its pull request closed and another opened, under the policy new-pr", async () => {
    const theirs = await driftedBeforeVersion2();
    world.spec = aSpec({ drift: "new-pr" });
    await expect(world.publish()).rejects.toBeInstanceOf(Conflict);
    await world.publish();
    expect(world.codeHost.pullRequests("acme/api").map(({ state }) => state)).toEqual(["closed", "open"]);
    expect(await world.codeHost.branchHead(world.repository, branch)).toBe(theirs);
    expect(await world.changeset()).toMatchObject({ state: { status: "open", published: { pullRequest: 2 } } });
    expect((await world.actions()).filter((action) => action === "pull-request.closed")).toHaveLength(1);
    expect(await world.slotsTaken()).toBe(2);
  });

  test.each(["before", "afterwards"] as const)(
    "is replaced under new-pr even when the closing is cut off %s its effect",
    async (when) => {
      await driftedBeforeVersion2();
      world.spec = aSpec({ drift: "new-pr" });
      world.codeHost.failNext("closePullRequest", new CodeHostUnavailable("the line is dead"), when);
      for (const error of [Conflict, CodeHostUnavailable]) {
        await expect(world.publish()).rejects.toBeInstanceOf(error);
        expect(openPullRequests().length).toBeLessThanOrEqual(1);
      }
      await world.publish();
      expect(world.codeHost.pullRequests("acme/api").map(({ state }) => state)).toEqual(["closed", "open"]);
      expect((await world.actions()).filter((action) => action === "pull-request.closed")).toHaveLength(1);
    },
  );

  test("before anything was opened is left too, and published once people have removed it", async () => {
    world.codeHost.pushAsHuman("acme/api", branch, { a: "somebody was here first" });
    // Nothing could be there, so it did not look; now that something is, it does.
    await expect(world.publish()).rejects.toBeInstanceOf(Conflict);
    await world.publish();
    expect(await world.changeset()).toMatchObject({ state: { status: "needs-human" } });
    expect(await world.slotsTaken()).toBe(0);
    world.codeHost.deleteBranch("acme/api", branch);
    await world.put({ state: { status: "ready" } });
    await world.publish();
    expect(await world.changeset()).toMatchObject({ state: { status: "open" } });
  });

  test("keeps the pull request in sight that a crash had forgotten, and knows people's commit from its own", async () => {
    world.codeHost.failNext("openPullRequest", new CodeHostUnavailable("the answer was lost"), "afterwards");
    await expect(world.publish()).rejects.toBeInstanceOf(CodeHostUnavailable);
    const ours = await world.codeHost.branchHead(world.repository, branch);
    world.codeHost.pushAsHuman("acme/api", branch, { a: "by hand" });
    await world.publish();
    expect(await world.changeset()).toMatchObject({
      state: { status: "needs-human", published: { pullRequest: 1, headCommit: ours } },
    });
    expect(await world.slotsTaken()).toBe(1);
  });

  test("on every branch we try does not make us go round in a circle", async () => {
    world.spec = aSpec({ drift: "new-pr" });
    world.codeHost.pushAsHuman("acme/api", branch, { a: branch });
    await expect(world.publish()).rejects.toBeInstanceOf(Conflict);
    for (const taken of [branch, `${branch}-2`, `${branch}-3`]) {
      world.codeHost.pushAsHuman("acme/api", taken, { a: taken });
      await expect(world.publish()).rejects.toBeInstanceOf(Conflict);
    }
    await world.publish();
    expect(openPullRequests()).toMatchObject([{ headBranch: `${branch}-4` }]);
    expect(await world.slotsTaken()).toBe(1);
  });
});
