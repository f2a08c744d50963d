import { describe, expect, test } from "vitest";
import { advance } from "#shared/lifecycle.ts";
import { aChangeset, aPublished } from "#shared/testing/builders.ts";
import {
  changesetIdFor,
  changesetLifecycle,
  desiredNow,
  differs,
  lastHeadOf,
  publishedOf,
  type ChangesetFact,
  type ChangesetState,
} from "./changeset.ts";

const desired = { run: 1, specVersion: 1, executionId: "x-1" };
const newer = { run: 2, specVersion: 2, executionId: "x-2" };
const published = aPublished();
const because = "reasons";
const pushed = { branch: published.branch, headCommit: "d".repeat(40) };

const states: Readonly<Record<string, ChangesetState>> = {
  unpublished: { status: "unpublished" },
  ready: { status: "ready" },
  "ready to update": { status: "ready", published },
  publishing: { status: "publishing", desired },
  "publishing, and asked again": { status: "publishing", desired, askedAgain: true },
  "publishing with its branch pushed": { status: "publishing", desired, pushed },
  updating: { status: "publishing", desired: newer, published },
  open: { status: "open", published },
  "publishing, to be closed afterwards": { status: "publishing", desired, closeAsked: because },
  closing: { status: "closing", because, published },
  "closing, and begun": { status: "closing", because, published, begun: true },
  "needs-human": { status: "needs-human", because, published },
  "needs-human without a pull request": { status: "needs-human", because },
  merged: { status: "merged", published },
  closed: { status: "closed", published },
  failed: { status: "failed", because },
  "failed to update": { status: "failed", because, published },
  withdrawn: { status: "withdrawn", because },
};

const facts: Readonly<Record<string, ChangesetFact>> = {
  "patch-found": { fact: "patch-found", desired },
  "newer patch-found": { fact: "patch-found", desired: newer },
  "patch-lost": { fact: "patch-lost", because },
  "close-asked": { fact: "close-asked", because },
  "still-selected": { fact: "still-selected" },
  "close-began": { fact: "close-began" },
  retired: { fact: "retired" },
  "publish-asked": { fact: "publish-asked", desired },
  "newer publish-asked": { fact: "publish-asked", desired: newer },
  "turn-came": { fact: "turn-came", desired },
  pushed: { fact: "pushed", ...pushed },
  published: { fact: "published", published },
  refused: { fact: "refused", because },
  "changed-by-people": { fact: "changed-by-people", because },
  "left-to-people": { fact: "left-to-people", branch: published.branch },
  restored: { fact: "restored" },
  merged: { fact: "merged" },
  closed: { fact: "closed" },
  reopened: { fact: "reopened" },
};

/** What each fact makes of each state; what is not here is an echo. */
const moves: Readonly<Record<string, Readonly<Record<string, ChangesetState["status"]>>>> = {
  unpublished: { "publish-asked": "ready", "newer publish-asked": "ready", "patch-lost": "withdrawn" },
  ready: {
    "turn-came": "publishing",
    refused: "failed",
    "patch-lost": "withdrawn",
  },
  "ready to update": {
    "turn-came": "publishing",
    "close-asked": "closing",
    retired: "ready",
    refused: "failed",
    merged: "merged",
    closed: "closed",
  },
  publishing: {
    "newer publish-asked": "publishing",
    "close-asked": "publishing",
    pushed: "publishing",
    "left-to-people": "ready",
    published: "open",
    refused: "failed",
    "changed-by-people": "needs-human",
  },
  "publishing, to be closed afterwards": {
    "publish-asked": "publishing",
    "newer publish-asked": "publishing",
    "patch-found": "publishing",
    "newer patch-found": "publishing",
    "still-selected": "publishing",
    pushed: "publishing",
    "left-to-people": "ready",
    published: "open",
    refused: "failed",
    "changed-by-people": "needs-human",
  },
  "publishing, and asked again": {
    "close-asked": "publishing",
    pushed: "publishing",
    "left-to-people": "ready",
    published: "open",
    refused: "failed",
    "changed-by-people": "needs-human",
  },
  "publishing with its branch pushed": {
    "close-asked": "publishing",
    "newer publish-asked": "publishing",
    "left-to-people": "ready",
    published: "open",
    refused: "failed",
    "changed-by-people": "needs-human",
  },
  updating: {
    "publish-asked": "publishing",
    "close-asked": "publishing",
    pushed: "publishing",
    "left-to-people": "ready",
    published: "open",
    refused: "failed",
    "changed-by-people": "needs-human",
    merged: "merged",
    closed: "closed",
  },
  closing: {
    "publish-asked": "ready",
    "newer publish-asked": "ready",
    "patch-found": "open",
    "newer patch-found": "open",
    "still-selected": "open",
    "close-began": "closing",
    retired: "withdrawn",
    refused: "failed",
    "changed-by-people": "needs-human",
    merged: "merged",
  },
  "closing, and begun": {
    "publish-asked": "ready",
    "newer publish-asked": "ready",
    "patch-found": "open",
    "newer patch-found": "open",
    "still-selected": "open",
    retired: "withdrawn",
    refused: "failed",
    "changed-by-people": "needs-human",
    merged: "merged",
  },
  open: {
    "newer publish-asked": "ready",
    retired: "unpublished",
    "close-asked": "closing",
    "changed-by-people": "needs-human",
    merged: "merged",
    closed: "closed",
  },
  "needs-human": { "newer publish-asked": "ready", restored: "open", merged: "merged", closed: "closed" },
  "needs-human without a pull request": { "publish-asked": "ready", "newer publish-asked": "ready" },
  merged: { "newer patch-found": "unpublished" },
  closed: { reopened: "open", merged: "merged", "newer patch-found": "unpublished" },
  failed: { "publish-asked": "ready", "newer publish-asked": "ready", "patch-lost": "withdrawn" },
  "failed to update": {
    "close-asked": "closing",
    "publish-asked": "ready",
    "newer publish-asked": "ready",
    merged: "merged",
    closed: "closed",
  },
  withdrawn: { "patch-found": "unpublished", "newer patch-found": "unpublished" },
};

describe("a changeset", () => {
  test.each(
    Object.entries(states).flatMap(([stateName, state]) =>
      Object.entries(facts).map(([factName, fact]) => [stateName, factName, state, fact] as const),
    ),
  )("that is %s and hears %s moves as the table says, or not at all", (stateName, factName, state, fact) => {
    expect(advance(changesetLifecycle, state, fact)?.status).toBe(moves[stateName]?.[factName]);
  });

  test.each(Object.values(states).map((state) => [state.status, state] as const))(
    "that is %s says of each move where it leads, and leads there",
    (_, state) => {
      // The row's own type is lost in an index by value.
      const row = changesetLifecycle[state.status] as Readonly<Record<string, { readonly to: string }>>;
      for (const fact of Object.values(facts)) {
        const to = row[fact.fact]?.to;
        expect([undefined, to]).toContain(advance(changesetLifecycle, state, fact)?.status);
      }
    },
  );

  test("never loses an open pull request, whatever it hears in whatever order", () => {
    const all = Object.values(facts);
    const lost: unknown[] = [];
    for (let seed = 1; seed <= 300; seed += 1) {
      const next = random(seed);
      let state: ChangesetState = { status: "unpublished" };
      for (let step = 0; step < 40; step += 1) {
        const fact = all[next(all.length)];
        if (fact === undefined) throw new Error("a random index is within the list");
        const after: ChangesetState = advance(changesetLifecycle, state, fact) ?? state;
        if (!isLegal(state, fact, after)) lost.push({ seed, step, before: state, fact, after });
        state = after;
      }
    }
    expect(lost).toEqual([]);
  });

  test("hearing the same fact twice is hearing it once", () => {
    for (const state of Object.values(states)) {
      for (const fact of Object.values(facts)) {
        const once = advance(changesetLifecycle, state, fact) ?? state;
        expect(advance(changesetLifecycle, once, fact) ?? once).toEqual(once);
      }
    }
  });

  test("brings to its end what it began, whatever is wanted since", () => {
    const begun = advance(changesetLifecycle, { status: "ready" }, { fact: "turn-came", desired });
    expect(begun).toEqual({ status: "publishing", desired });
    expect(begun && desiredNow(aChangeset({ state: begun, desired: newer }))).toEqual(desired);
    expect(desiredNow(aChangeset({ state: { status: "ready" }, desired: newer }))).toEqual(newer);
  });

  test("remembers the branch that was merged, so that later work comes from another", () => {
    const again = advance(changesetLifecycle, { status: "merged", published }, { fact: "patch-found", desired: newer });
    expect(again).toEqual({ status: "unpublished", leftBranch: published.branch });
    expect(again && advance(changesetLifecycle, again, { fact: "publish-asked", desired: newer })).toEqual({
      status: "ready",
      leftBranch: published.branch,
    });
  });

  test("keeps what it left to people when it is refused, for the next attempt", () => {
    const left = { leftBranch: "b", leftPullRequest: 3 };
    const failed = advance(
      changesetLifecycle,
      { status: "publishing", desired, ...left },
      { fact: "refused", because },
    );
    expect(failed).toEqual({ status: "failed", because, ...left });
  });

  test("remembers the branch it pushed, until a pull request of it is written down", () => {
    const after = (state: ChangesetState, ...heard: readonly ChangesetFact[]) =>
      heard.reduce((before, fact) => advance(changesetLifecycle, before, fact) ?? before, state);
    const begun = after({ status: "ready" }, { fact: "turn-came", desired }, { fact: "pushed", ...pushed });
    expect(begun).toEqual({ status: "publishing", desired, pushed });
    expect(lastHeadOf(begun)).toBe(pushed.headCommit);
    expect(after(begun, { fact: "published", published })).toEqual({ status: "open", published });

    const failed = after(begun, { fact: "refused", because });
    expect(failed).toEqual({ status: "failed", because, pushed });
    expect(after(failed, { fact: "publish-asked", desired: newer })).toEqual({ status: "ready", pushed });
    // A version without a patch in between does not make it forget.
    const withdrawn = after(failed, { fact: "patch-lost", because });
    expect(withdrawn).toEqual({ status: "withdrawn", because, pushed });
    expect(after(withdrawn, { fact: "patch-found", desired: newer })).toEqual({ status: "unpublished", pushed });
    expect(lastHeadOf({ status: "unpublished" })).toBeUndefined();
  });

  test("knows the head of an open pull request's branch as it was pushed last, though the rest is not up to date", () => {
    const updating: ChangesetState = { status: "publishing", desired: newer, published };
    const after = advance(changesetLifecycle, updating, { fact: "pushed", ...pushed });
    expect(after).toEqual({ ...updating, published: { ...published, headCommit: pushed.headCommit } });
    expect(after && lastHeadOf(after)).toBe(pushed.headCommit);
  });

  test("remembers a pull request that was opened before it was refused", () => {
    const refused = { fact: "refused", because, published } as const;
    expect(advance(changesetLifecycle, { status: "publishing", desired }, refused)).toEqual({
      status: "failed",
      because,
      published,
    });
  });
});

test("a pull request differs from what is wanted by its execution or its spec version, not by the run", () => {
  expect(differs(published, { ...desired, run: 9 })).toBe(false);
  expect(differs(published, { ...desired, executionId: "x-2" })).toBe(true);
  expect(differs(published, { ...desired, specVersion: 2 })).toBe(true);
});

/** Whether the new state knows of every pull request that may be open. */
function isLegal(before: ChangesetState, { fact }: ChangesetFact, after: ChangesetState): boolean {
  const mustBePublished = ["open", "merged", "closed"].includes(after.status);
  if (mustBePublished && publishedOf(after) === undefined) return false;
  const wasOpen = publishedOf(before) !== undefined && before.status !== "merged" && before.status !== "closed";
  // It was closed by us, and its branch is put down.
  if (!wasOpen || fact === "retired") return true;
  // It is put down to be closed before another is opened.
  if (fact === "left-to-people" && after.status === "ready") {
    return after === before || after.leftPullRequest === published.pullRequest;
  }
  return publishedOf(after)?.pullRequest === published.pullRequest;
}

/** Park and Miller's generator, so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

test("the id of a changeset is what it was before there were workspaces, and another one in each", () => {
  expect(changesetIdFor("tidy", 1, "")).toBe("c-d8611e84f4661a8cf3b1bf2086a2474c");
  const ids = ["", "a", "b"].map((workspace) => changesetIdFor("tidy", 1, workspace));
  expect(new Set(ids).size).toBe(3);
});
