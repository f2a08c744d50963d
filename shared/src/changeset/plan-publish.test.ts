import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { aCampaign, aChangeset, aPublished, aRepository, aSpec, instant } from "#shared/testing/builders.ts";
import type { Spec } from "#shared/spec/spec.ts";
import type { ChangesetState } from "./changeset.ts";
import { branchName, dayOf, isDayEnding, nextDayMs, planBranch, planPublish, sizeOf } from "./plan-publish.ts";

const active = aCampaign();
const because = "reasons";
const published = aPublished();
const newer = { run: 2, specVersion: 2, executionId: "x-2" };

describe("planning to publish a changeset", () => {
  test("opens a pull request when its turn has come and there is none", () => {
    const plan = { kind: "open", branch: "campaign/tidy/1/acme-api" };
    expect(planPublish(aChangeset({ state: { status: "ready" } }), active)).toEqual(plan);
  });

  test("updates the pull request there is, on the branch that it has", () => {
    const state = { status: "ready", published } as const;
    const plan = { kind: "update", branch: published.branch, published };
    expect(planPublish(aChangeset({ state, desired: newer }), active)).toEqual(plan);
    // Also where nothing differs: an attempt that was refused half way is finished so.
    expect(planPublish(aChangeset({ state }), active)).toEqual(plan);
  });

  test("goes on with the branch it began, though a newer version is wanted by now", () => {
    const { desired } = aChangeset();
    const begun = aChangeset({ state: { status: "publishing", desired }, desired: newer });
    expect(planPublish(begun, active)).toEqual({ kind: "open", branch: "campaign/tidy/1/acme-api" });
  });

  test("goes on with the branch that was pushed, for a newer version too: there may be a pull request of it", () => {
    const pushed = { branch: "campaign/tidy/1/acme-api-2", headCommit: published.headCommit };
    const state = { status: "ready", pushed, leftBranch: "campaign/tidy/1/acme-api" } as const;
    expect(planPublish(aChangeset({ state, desired: newer }), active)).toEqual({ kind: "open", branch: pushed.branch });
  });

  test("opens from a branch beside the one that was left, each time another", () => {
    const branch = "campaign/tidy/1/acme-api";
    const after = (leftBranch: string) => planPublish(aChangeset({ state: { status: "ready", leftBranch } }), active);
    expect(after(branch)).toEqual({ kind: "open", branch: `${branch}-2` });
    expect(after(`${branch}-2`)).toEqual({ kind: "open", branch: `${branch}-3` });
    expect(after(`${branch}-9`)).toEqual({ kind: "open", branch: `${branch}-10` });
    expect(after("campaign/tidy/0/acme-api")).toEqual({ kind: "open", branch });
  });

  test("leaves everything of a campaign that was killed", () => {
    const killed = aCampaign({ state: { status: "killed" } });
    const plan = { kind: "leave", because: "its campaign was killed" };
    expect(planPublish(aChangeset({ state: { status: "ready" } }), killed)).toEqual(plan);
  });

  test.each<ChangesetState>([
    { status: "unpublished" },
    { status: "open", published },
    { status: "needs-human", because },
    { status: "merged", published },
    { status: "closed", published },
    { status: "failed", because },
    { status: "withdrawn", because },
  ])("leaves one that is $status", (state) => {
    expect(planPublish(aChangeset({ state }), active)).toEqual({ kind: "leave", because: `it is ${state.status}` });
  });
});

describe("a branch name", () => {
  const hostile = [
    "api",
    "a..b",
    "...",
    ".github",
    "x.lock",
    "x.lock.lock",
    "x.",
    "x.lock.",
    ".lock",
    "..lock",
    "-",
    "--",
    "@",
    "@{-1}",
    "HEAD",
    "a~b^c:d?e*f[g",
    "a\\b",
    "a b\tc\n",
    "a/b//c/",
    "naïve-ünïcode-🎈",
    "a\u0000b",
    "x".repeat(100),
  ];

  test.each(hostile)("is one that git accepts, for a repository called %j", (name) => {
    const branch = branchName(aChangeset({ repository: aRepository({ name }) }));
    expect(branch).toMatch(/^campaign\/tidy\/1\/acme-[a-z0-9._-]*$/);
    // It ends with an error otherwise.
    execFileSync("git", ["check-ref-format", "--branch", branch], { stdio: "pipe" });
    execFileSync("git", ["check-ref-format", `refs/heads/${branch}-2`], { stdio: "pipe" });
  });

  test.each(["packages/a", "日本", "..", "-", "a.lock", "a b\tc", "x/".repeat(100), "campaign"])(
    "is one that git accepts, for a workspace at %j",
    (workspace) => {
      const branch = branchName(aChangeset({ workspace }));
      expect(branch).toMatch(/^campaign\/tidy\/1\/acme-api-[a-z0-9._-]*-[0-9a-f]{8}$/);
      expect(branch.length).toBeLessThan(200);
      execFileSync("git", ["check-ref-format", "--branch", branch], { stdio: "pipe" });
      execFileSync("git", ["check-ref-format", `refs/heads/${branch}-2`], { stdio: "pipe" });
    },
  );

  test("is another one for each workspace, also where their names look the same in it, and in none of the others", () => {
    const branches = ["", "packages/a", "packages-a", "Packages/A", "packages", "日本", "日木", `${"x".repeat(99)}1`]
      .concat(`${"x".repeat(99)}2`)
      .map((workspace) => branchName(aChangeset({ workspace })));
    expect(new Set(branches).size).toBe(branches.length);
    expect(branches.filter((one) => branches.some((other) => other.startsWith(`${one}/`)))).toEqual([]);
    expect(branches.slice(0, 2)).toEqual([
      "campaign/tidy/1/acme-api",
      expect.stringMatching(/^campaign\/tidy\/1\/acme-api-packages-a-[0-9a-f]{8}$/),
    ]);
  });

  test("is the same for the same changeset and another for another version", () => {
    const named = (specVersion: number) => branchName(aChangeset({ desired: { ...newer, specVersion } }));
    expect(named(1)).toBe(named(1));
    expect(named(1)).not.toBe(named(10));
  });
});

describe("planning the branch", () => {
  const commit = "c".repeat(40);
  const plan = (facts: Partial<Parameters<typeof planBranch>[0]>) =>
    planBranch({ head: undefined, commit, ours: undefined, overwrite: false, ...facts });

  test("makes one that is not there, and finds one that is in its place", () => {
    expect(plan({})).toEqual({ kind: "move", from: undefined });
    expect(plan({ head: commit })).toEqual({ kind: "in-place" });
  });

  test("moves it from where it was left", () => {
    const ours = published.headCommit;
    expect(plan({ head: ours, ours })).toEqual({ kind: "move", from: ours });
  });

  test("never moves what people committed to, unless the policy says overwrite, and then from what was seen", () => {
    const theirs = "e".repeat(40);
    expect(plan({ head: theirs })).toEqual({ kind: "drifted" });
    expect(plan({ head: theirs, ours: published.headCommit })).toEqual({ kind: "drifted" });
    expect(plan({ head: theirs, ours: published.headCommit, overwrite: true })).toEqual({ kind: "move", from: theirs });
  });
});

describe("the size of a publication", () => {
  const spec = (pullRequest: Partial<Spec["pullRequest"]>) => aSpec({ pullRequest });
  const none = { labels: [], assignees: [], reviewers: [], teamReviewers: [] };

  test("counts each kind of what is added once, and tells whether people are asked for a review", () => {
    const open = { kind: "open", branch: "b" } as const;
    expect(sizeOf(open, spec(none))).toEqual({ opens: true, additions: 0, asksForReview: false, asksTeams: false });
    const all = { labels: ["a", "b"], assignees: ["ana"], reviewers: [], teamReviewers: ["core"] };
    expect(sizeOf(open, spec(all))).toEqual({ opens: true, additions: 3, asksForReview: true, asksTeams: true });
  });

  test("is that of an update where there is a pull request", () => {
    expect(sizeOf({ kind: "update", branch: "b", published }, spec(none))).toMatchObject({ opens: false });
  });
});

describe("a day", () => {
  test("is a date in UTC", () => {
    expect(dayOf(instant("2026-03-10T23:30:00-05:00"))).toBe("2026-03-11");
  });

  test("ends a minute early, and the next begins at midnight", () => {
    expect(isDayEnding(instant("2026-03-10T23:58:59.999Z"))).toBe(false);
    expect(isDayEnding(instant("2026-03-10T23:59:00Z"))).toBe(true);
    expect(isDayEnding(instant("2026-03-10T23:59:59.999Z"))).toBe(true);
    expect(isDayEnding(instant("2026-03-11T00:00:00Z"))).toBe(false);
    expect(nextDayMs(instant("2026-03-10T23:59:30Z"))).toBe(instant("2026-03-11T00:00:00Z").getTime());
    expect(nextDayMs(instant("2026-03-11T00:00:00Z"))).toBe(instant("2026-03-12T00:00:00Z").getTime());
  });
});
