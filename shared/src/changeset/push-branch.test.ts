import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CampaignHeld } from "#shared/campaign/campaign-store.ts";
import { Conflict } from "#shared/errors.ts";
import { BranchMoved, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import { noon } from "#shared/testing/builders.ts";
import { publicationWorld, readyFor, type PublicationWorld } from "#shared/testing/publication-world.ts";

const branch = "campaign/tidy/1/acme-api";
const because = String.raw`the API takes no file that is named "caf\351.txt"`;

let world: PublicationWorld;
beforeEach(async () => {
  world = await publicationWorld();
  world.way = { kind: "push", because };
});
afterEach(() => world.close());

const made = () => world.codeHost.mutations.map(({ method }) => method);

describe("a commit that the API does not take", () => {
  test("is pushed by git, and the audit log says why", async () => {
    await world.publish();
    expect(made()).toEqual(["pushCommit", "openPullRequest"]);
    const [moved] = await world.auditLog();
    expect(moved).toMatchObject({ action: "branch.moved", detail: { branch, pushed: because } });
    expect(await world.changeset()).toMatchObject({ state: { status: "open" } });
  });

  test("is the one that the API would have made", async () => {
    await world.publish();
    const pushed = await world.codeHost.branchHead(world.repository, branch);
    const other = await publicationWorld();
    await other.publish();
    expect(await other.codeHost.branchHead(other.repository, branch)).toBe(pushed);
    await other.close();
  });

  test.each(["before", "afterwards"] as const)("that is cut off %s its push is pushed once", async (when) => {
    world.codeHost.failNext("pushCommit", new CodeHostUnavailable("the line is dead"), when);
    await expect(world.publish()).rejects.toBeInstanceOf(CodeHostUnavailable);
    await world.publish();
    expect(made().filter((method) => method === "pushCommit")).toHaveLength(1);
    expect(await world.actions()).toEqual(["branch.moved", "pull-request.opened"]);
  });

  test("takes the place of the one before it", async () => {
    await world.publish();
    await world.put(readyFor(2, (await world.changeset()).state));
    await world.publish();
    expect(Buffer.from(world.codeHost.fileAt("acme/api", branch, "a")?.content ?? []).toString()).toBe("version 2");
  });

  test("is not pushed over what people have committed", async () => {
    await world.publish();
    world.codeHost.pushAsHuman("acme/api", branch, { a: "by hand" });
    await world.put(readyFor(2, (await world.changeset()).state));
    expect(await world.publish()).toMatch(/^left to people/);
    expect(Buffer.from(world.codeHost.fileAt("acme/api", branch, "a")?.content ?? []).toString()).toBe("by hand");
  });

  test("is looked at again when somebody moved the branch in between", async () => {
    world.codeHost.failNext("pushCommit", new BranchMoved("somebody was faster"));
    await expect(world.publish()).rejects.toBeInstanceOf(Conflict);
    await world.publish();
    expect(await world.changeset()).toMatchObject({ state: { status: "open" } });
  });

  test("is not pushed once its campaign is paused", async () => {
    const campaign = await world.stores.campaigns.get("tidy");
    await world.stores.campaigns.save({ ...campaign, state: { status: "paused" } }, noon);
    await expect(world.publish()).rejects.toBeInstanceOf(CampaignHeld);
    expect(world.codeHost.mutations).toEqual([]);
  });
});
