import { expect, test } from "vitest";
import type { PullRequest } from "#shared/ports/code-host.ts";
import { aChangeset, aPublished } from "#shared/testing/builders.ts";
import type { ChangesetState } from "./changeset.ts";
import { factsOf } from "./reconcile.ts";

const published = aPublished();
const open = aChangeset({ state: { status: "open", published } });

function seen(overrides: Partial<PullRequest> = {}): PullRequest {
  return {
    number: published.pullRequest,
    nodeId: "PR_7",
    url: published.url,
    state: "open",
    draft: false,
    title: "Tidy up",
    body: "Hello",
    headBranch: published.branch,
    headCommit: published.headCommit,
    baseBranch: "main",
    labels: [],
    assignees: [],
    requestedReviewers: [],
    requestedTeams: [],
    ...overrides,
  };
}

const theirs = seen({ headCommit: "e".repeat(40) });

test("what people did to a pull request is a fact, whatever stands on its branch", () => {
  expect(factsOf(open, seen({ ...theirs, state: "merged" }), "needs-human")).toEqual({ fact: "merged" });
  expect(factsOf(open, seen({ ...theirs, state: "closed" }), "needs-human")).toEqual({ fact: "closed" });
});

test("one that was closed and is open again was reopened", () => {
  const closed = aChangeset({ state: { status: "closed", published } });
  expect(factsOf(closed, seen(), "needs-human")).toEqual({ fact: "reopened" });
});

test("commits of people hand it over to them, and taking them back restores it", () => {
  expect(factsOf(open, theirs, "needs-human")).toMatchObject({ fact: "changed-by-people" });
  expect(factsOf(open, seen(), "needs-human")).toEqual({ fact: "restored" });
});

test.each(["overwrite", "new-pr"] as const)("commits of people say nothing yet under the policy %s", (drift) => {
  expect(factsOf(open, theirs, drift)).toBeUndefined();
});

test.each<ChangesetState>([
  { status: "ready", published },
  { status: "publishing", desired: open.desired, published },
])("a branch that we are about to move, being $status, is for publishing to compare", (state) => {
  const changeset = aChangeset({ state });
  expect(factsOf(changeset, theirs, "needs-human")).toBeUndefined();
  expect(factsOf(changeset, seen({ state: "merged" }), "needs-human")).toEqual({ fact: "merged" });
});

test("nothing is said of a changeset without a pull request", () => {
  const ready: ChangesetState = { status: "ready" };
  expect(factsOf(aChangeset({ state: ready }), seen(), "needs-human")).toBeUndefined();
});
