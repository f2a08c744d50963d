import { afterEach, beforeEach, expect, test } from "vitest";
import { verifyChain } from "#shared/audit/audit-entry.ts";
import { wholeLog } from "#shared/audit/audit-log.ts";
import { CampaignHeld } from "#shared/campaign/campaign-store.ts";
import { CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import { aSpec, noon } from "#shared/testing/builders.ts";
import { publicationWorld, type PublicationWorld } from "#shared/testing/publication-world.ts";
import { publishedOf } from "./changeset.ts";

const because = "no longer selected: excluded: archived";
let world: PublicationWorld;
beforeEach(async () => {
  world = await publicationWorld();
  await world.publish();
  const published = publishedOf((await world.changeset()).state);
  if (published === undefined) throw new Error("it was not published");
  await world.put({ state: { status: "closing", because, published } });
});
afterEach(() => world.close());

const pullRequest = () => world.codeHost.pullRequests("acme/api")[0];
const state = async () => (await world.changeset()).state;
const branch = "campaign/tidy/1/acme-api";
const retired = { status: "withdrawn", because, leftBranch: branch };

test("a pull request that nothing selects any more is closed, and its branch stays", async () => {
  await world.publish();
  expect(pullRequest()).toMatchObject({ state: "closed" });
  expect(await world.codeHost.branchHead(world.repository, branch)).toBeDefined();
  expect(await state()).toEqual(retired);
  const log = await world.auditLog();
  expect(log.at(-1)).toMatchObject({ action: "pull-request.closed", detail: { pullRequest: 1, because } });
  expect(await verifyChain(wholeLog(world.stores.audit))).toMatchObject({ kind: "intact" });
});

test.each(["before", "afterwards"] as const)("a crash %s closing is healed by the next attempt", async (when) => {
  world.codeHost.failNext("closePullRequest", new CodeHostUnavailable("502"), when);
  await expect(world.publish()).rejects.toBeInstanceOf(CodeHostUnavailable);
  expect(await state()).toMatchObject({ status: "closing" });
  await world.publish();
  await world.publish();
  expect(pullRequest()).toMatchObject({ state: "closed" });
  expect(await state()).toEqual(retired);
  expect((await world.actions()).filter((action) => action === "pull-request.closed")).toHaveLength(1);
});

test("one that a person had closed already is not in the audit log as closed by us", async () => {
  world.codeHost.closeAsHuman("acme/api", 1);
  await world.publish();
  expect(await state()).toEqual(retired);
  expect(await world.actions()).not.toContain("pull-request.closed");
});

test.each([
  ["previewed", "open", { status: "unpublished", leftBranch: branch }],
  ["asked for", "ready", { status: "ready", leftBranch: branch }],
] as const)("one that is %s again while it is closed is wanted from another branch", async (_, status, expected) => {
  const published = publishedOf(await state());
  if (published === undefined) throw new Error("it has a pull request");
  const close = world.codeHost.closePullRequest.bind(world.codeHost);
  world.codeHost.closePullRequest = async (...which) => {
    await close(...which);
    await world.put({ state: { status, published } });
  };
  await world.publish();
  expect(await state()).toEqual(expected);
  expect(await world.actions()).toContain("pull-request.closed");
});

test("one that is selected again before its turn came is left alone", async () => {
  const published = publishedOf(await state());
  if (published === undefined) throw new Error("it has a pull request");
  await world.put({ state: { status: "open", published } });
  expect(await world.publish()).toBe("it is open");
  expect(pullRequest()).toMatchObject({ state: "open" });
});

test("one that people have merged meanwhile is merged", async () => {
  world.codeHost.mergeAsHuman("acme/api", 1);
  await world.publish();
  expect(await state()).toMatchObject({ status: "merged" });
});

test.each([
  ["needs-human", "open", { status: "needs-human", published: { pullRequest: 1 } }],
  ["overwrite", "closed", retired],
] as const)("commits of people are left to them as the policy %s says", async (drift, seen, expected) => {
  world.spec = aSpec({ drift });
  world.codeHost.pushAsHuman("acme/api", branch, { a: "by hand" });
  await world.publish();
  expect(pullRequest()).toMatchObject({ state: seen });
  expect(await state()).toMatchObject(expected);
});

test("what the code host refuses is told", async () => {
  world.codeHost.failNext("closePullRequest", new CodeHostRefused("archived", "acme/api is archived."));
  await world.publish();
  expect(await state()).toMatchObject({ status: "failed", because: "acme/api is archived.", published: {} });
});

test("nothing is closed while the campaign is paused", async () => {
  const campaign = await world.stores.campaigns.get("tidy");
  await world.stores.campaigns.save({ ...campaign, state: { status: "paused" } }, noon);
  await expect(world.publish()).rejects.toBeInstanceOf(CampaignHeld);
  expect(pullRequest()).toMatchObject({ state: "open" });
});

test("one that is selected again has a pull request of its own, from a branch beside the first", async () => {
  await world.publish();
  await world.put({ state: { status: "ready", leftBranch: branch } });
  await world.publish();
  expect(world.codeHost.pullRequests("acme/api")).toMatchObject([
    { state: "closed", headBranch: branch },
    { state: "open", headBranch: `${branch}-2` },
  ]);
});
