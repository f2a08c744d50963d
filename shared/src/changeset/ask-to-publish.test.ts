import { expect, test } from "vitest";
import { aChangeset, aPublished, aRepository } from "#shared/testing/builders.ts";
import { askToPublish } from "./ask-to-publish.ts";
import type { ChangesetState } from "./changeset.ts";

const published = aPublished();
const because = "reasons";
const { desired } = aChangeset();

const of = (...states: readonly ChangesetState[]) =>
  states.map((state, index) => aChangeset({ repository: aRepository({ id: index + 1 }), state }));

test("makes ready what this run found a patch for, and counts the rest by where it stands", () => {
  const changesets = of(
    { status: "unpublished" },
    { status: "failed", because },
    { status: "ready" },
    { status: "publishing", desired },
    { status: "open", published },
    { status: "merged", published },
    { status: "closed", published },
    { status: "needs-human", because, published },
    { status: "withdrawn", because },
  );
  const { ready, ...counts } = askToPublish(changesets, 1);
  expect(ready.map(({ id, state }) => [id, state])).toEqual(
    changesets.slice(0, 2).map(({ id }) => [id, { status: "ready" }]),
  );
  expect(counts).toEqual({ under_way: 2, published: 1, left: 4 });
});

test("asking twice makes nothing ready a second time", () => {
  const { ready } = askToPublish(of({ status: "unpublished" }), 1);
  expect(askToPublish(ready, 1)).toEqual({ ready: [], under_way: 1, published: 0, left: 0 });
});

test("a changeset that an earlier run wanted is left: this run did not find a patch there", () => {
  expect(askToPublish(of({ status: "unpublished" }), 2)).toEqual({ ready: [], under_way: 0, published: 0, left: 1 });
});

test("an open pull request is brought up to date when another patch is wanted, and keeps its number", () => {
  const open = aChangeset({
    state: { status: "open", published },
    desired: { ...desired, run: 2, executionId: "x-2" },
  });
  expect(askToPublish([open], 2).ready.map(({ state }) => state)).toEqual([{ status: "ready", published }]);
});
