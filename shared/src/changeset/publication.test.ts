import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { verifyChain } from "#shared/audit/audit-entry.ts";
import { wholeLog } from "#shared/audit/audit-log.ts";
import { CampaignHeld } from "#shared/campaign/campaign-store.ts";
import { Conflict } from "#shared/errors.ts";
import { BranchMoved, CodeHostRefused, CodeHostUnavailable, type CodeHost } from "#shared/ports/code-host.ts";
import { aSpec, noon } from "#shared/testing/builders.ts";
import { publicationWorld, readyFor, type PublicationWorld } from "#shared/testing/publication-world.ts";

let world: PublicationWorld;
beforeEach(async () => {
  world = await publicationWorld();
  const decorated = { labels: ["tidy"], assignees: ["ana"], reviewers: ["ana"], teamReviewers: [] };
  world.spec = aSpec({ pullRequest: decorated });
});
afterEach(() => world.close());

const allActions = [
  "branch.moved",
  "pull-request.opened",
  "labels.added",
  "assignees.added",
  "reviewers.added",
] as const;

const openings = () => world.codeHost.mutations.filter(({ method }) => method === "openPullRequest").length;

/** Publishes until it does not throw: what a task's retries do. */
async function publishUntilDone(): Promise<string> {
  for (let attempt = 1; attempt < 10; attempt += 1) {
    try {
      return await world.publish();
    } catch {
      world.clock.advance(1_000);
    }
  }
  return world.publish();
}

describe("publishing a changeset", () => {
  test("makes the branch and the pull request with all that belongs to it, and writes each down", async () => {
    await world.publish();
    expect(world.codeHost.pullRequests("acme/api")).toMatchObject([
      {
        state: "open",
        title: "Tidy up",
        headBranch: "campaign/tidy/1/acme-api",
        baseBranch: "main",
        labels: ["tidy"],
        assignees: ["ana"],
        requestedReviewers: ["ana"],
      },
    ]);
    expect(await world.changeset()).toMatchObject({
      state: { status: "open", published: { pullRequest: 1, notes: [] } },
    });
    expect(await world.actions()).toEqual(allActions);
    for (const entry of await world.auditLog()) {
      expect(entry).toMatchObject({ actor: "octobatch", campaign: "tidy", repository: "acme/api", specVersion: 1 });
    }
    expect(await world.slotsTaken()).toBe(1);
  });

  test("asks no more than it needs: what nobody can have made is not looked for, and what is there is not made again", async () => {
    world.codeHost.failNext("openPullRequest", new CodeHostUnavailable("the line is dead"), "before");
    const { cost } = world.codeHost.measured();
    await expect(world.publish()).rejects.toBeInstanceOf(CodeHostUnavailable);
    // The commit, the branch, and the pull request that failed.
    expect(cost().requests).toBe(3);
    await world.publish();
    const made = world.codeHost.mutations.map(({ method }) => method);
    expect(made.slice(0, 3)).toEqual(["createCommit", "moveBranch", "openPullRequest"]);
    expect(made.filter((method) => method === "createCommit")).toHaveLength(1);
  });

  test("done again does nothing more", async () => {
    await world.publish();
    const before = world.codeHost.mutations.length;
    expect(await world.publish()).toBe("it is open");
    expect(world.codeHost.mutations).toHaveLength(before);
    expect(await world.actions()).toEqual(allActions);
  });

  const mutations = [
    "createCommit",
    "moveBranch",
    "openPullRequest",
    "addLabels",
    "addAssignees",
    "requestReviewers",
  ] as const satisfies readonly (keyof CodeHost)[];

  test.each(mutations.flatMap((method) => [[method, "before"] as const, [method, "afterwards"] as const]))(
    "that is cut off in %s, %s its effect, is healed by doing it again",
    async (method, when) => {
      world.codeHost.failNext(method, new CodeHostUnavailable("the line is dead"), when);
      await expect(world.publish()).rejects.toBeInstanceOf(CodeHostUnavailable);
      await world.publish();
      expect(world.codeHost.pullRequests("acme/api")).toMatchObject([
        { state: "open", labels: ["tidy"], assignees: ["ana"], requestedReviewers: ["ana"] },
      ]);
      expect(openings()).toBe(1);
      expect((await world.actions()).toSorted()).toEqual([...allActions].sort());
      expect(await world.changeset()).toMatchObject({ state: { status: "open" } });
      expect(await world.slotsTaken()).toBe(1);
      expect(await verifyChain(wholeLog(world.stores.audit))).toMatchObject({ kind: "intact" });
    },
  );

  test("cut off at every effect in turn, still makes each once", async () => {
    for (const method of mutations) {
      world.codeHost.failNext(method, new CodeHostUnavailable("before"), "before");
      world.codeHost.failNext(method, new CodeHostUnavailable("afterwards"), "afterwards");
    }
    for (let attempt = 0; attempt < 30; attempt += 1) await world.publish().catch(() => undefined);
    expect(world.codeHost.pullRequests("acme/api")).toHaveLength(1);
    expect((await world.actions()).toSorted()).toEqual([...allActions].sort());
  });

  test("by two workers at once opens one pull request", async () => {
    const outcomes = await Promise.allSettled([world.publish(), world.publish()]);
    expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
    await publishUntilDone();
    expect(openings()).toBe(1);
    expect((await world.actions()).toSorted()).toEqual([...allActions].sort());
    expect(await world.slotsTaken()).toBe(1);
  });

  test("of a version that was overtaken while its pull request was opened opens no second one", async () => {
    world.codeHost.failNext("openPullRequest", new CodeHostUnavailable("the answer was lost"), "afterwards");
    await expect(world.publish()).rejects.toBeInstanceOf(CodeHostUnavailable);
    await world.put({ desired: { run: 2, specVersion: 2, executionId: "x-2" } });
    await world.publish();
    expect(openings()).toBe(1);
    expect(await world.changeset()).toMatchObject({
      state: { status: "open", published: { specVersion: 1, executionId: "x-1" } },
      desired: { specVersion: 2 },
    });
  });

  test("brings an open pull request up to date on the branch that it has", async () => {
    await world.publish();
    await world.put(readyFor(2, (await world.changeset()).state));
    world.spec = aSpec({ pullRequest: { title: "Tidy up more" } });
    world.codeHost.failNext("moveBranch", new CodeHostUnavailable("the answer was lost"), "afterwards");
    await publishUntilDone();
    expect(world.codeHost.pullRequests("acme/api")).toMatchObject([{ number: 1, title: "Tidy up more" }]);
    const file = world.codeHost.fileAt("acme/api", "campaign/tidy/1/acme-api", "a");
    expect(Buffer.from(file?.content ?? []).toString()).toBe("version 2");
    expect(await world.actions()).toEqual([...allActions, "branch.moved", "pull-request.updated"]);
    expect(await world.slotsTaken()).toBe(1);
  });

  test("notes what the code host would not take, and publishes all the same", async () => {
    world.spec = aSpec({ pullRequest: { reviewers: ["stranger"], assignees: ["stranger"] } });
    await world.publish();
    expect(await world.changeset()).toMatchObject({
      state: {
        status: "open",
        published: {
          notes: [
            expect.stringMatching(/assignees .*ignored: stranger/),
            expect.stringMatching(/reviewers were not taken/),
          ],
        },
      },
    });
  });

  test("finds labels and people in any case", async () => {
    await world.publish();
    await world.put(readyFor(2, (await world.changeset()).state));
    world.spec = aSpec({ pullRequest: { labels: ["TIDY"], assignees: ["ANA"] } });
    const before = world.codeHost.mutations.length;
    await world.publish();
    expect(world.codeHost.mutations.slice(before).map(({ method }) => method)).not.toContain("addLabels");
    expect(world.codeHost.mutations.slice(before).map(({ method }) => method)).not.toContain("addAssignees");
  });

  test("begins no mutation once its campaign is paused", async () => {
    const campaign = await world.stores.campaigns.get("tidy");
    await saveCampaign({ ...campaign, state: { status: "paused" } });
    await expect(world.publish()).rejects.toBeInstanceOf(CampaignHeld);
    expect(world.codeHost.mutations).toEqual([]);
    await saveCampaign({ ...campaign, state: { status: "active" }, version: campaign.version + 1 });
    await world.publish();
    expect(openings()).toBe(1);
  });

  test("opens nothing from a commit whose tree is not that of the preview", async () => {
    const { codeHost } = world;
    codeHost.treeWith = () => "0".repeat(40);
    expect(await world.publish()).toMatch(/^refused: GitHub made tree .* but the preview made 0+/);
    expect(openings()).toBe(0);
    expect(codeHost.mutations.map(({ method }) => method)).toEqual(["createCommit"]);
    expect(await world.slotsTaken()).toBe(0);
  });

  test("reads again when somebody moved the branch in between", async () => {
    world.codeHost.failNext("moveBranch", new BranchMoved("somebody was faster"));
    await expect(world.publish()).rejects.toBeInstanceOf(Conflict);
    await world.publish();
    expect(openings()).toBe(1);
  });

  test("that was refused with its pull request open keeps it, and its slot", async () => {
    const refusal = new CodeHostRefused("missing-permission", "Grant the App Issues: write.");
    world.codeHost.failNext("addLabels", refusal);
    expect(await world.publish()).toMatch(/Issues: write/);
    expect(await world.changeset()).toMatchObject({
      state: { status: "failed", because: refusal.message, published: { pullRequest: 1 } },
    });
    expect(await world.slotsTaken()).toBe(1);

    await world.put(readyFor(1, (await world.changeset()).state));
    await world.publish();
    expect(openings()).toBe(1);
    expect(await world.changeset()).toMatchObject({ state: { status: "open" } });
    expect(world.codeHost.pullRequests("acme/api")).toMatchObject([{ labels: ["tidy"] }]);
  });
});

async function saveCampaign(campaign: Parameters<typeof world.stores.campaigns.save>[0]): Promise<void> {
  await world.stores.campaigns.save(campaign, noon);
}
