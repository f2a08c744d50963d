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
  const { ready, again, ...counts } = askToPublish(changesets, 1);
  expect(again).toEqual([]);
  expect(ready.map(({ id, state }) => [id, state])).toEqual(
    changesets.slice(0, 2).map(({ id }) => [id, { status: "ready" }]),
  );
  expect(counts).toEqual({ under_way: 2, published: 1, left: 4 });
});

test("asking twice makes nothing ready a second time", () => {
  const { ready } = askToPublish(of({ status: "unpublished" }), 1);
  expect(askToPublish(ready, 1)).toEqual({ ready: [], again: [], under_way: 1, published: 0, left: 0 });
});

test("a changeset that an earlier run wanted is left: this run did not find a patch there", () => {
  const left = { ready: [], again: [], under_way: 0, published: 0, left: 1 };
  expect(askToPublish(of({ status: "unpublished" }), 2)).toEqual(left);
});

test("one that is being published is published again afterwards when something newer is asked for, once", () => {
  const state = { status: "publishing", desired } as const;
  const publishing = aChangeset({ state, desired: { run: 2, specVersion: 2, executionId: "x-2" } });
  const asked = askToPublish([publishing], 2);
  const again = [{ ...publishing, state: { ...state, askedAgain: true } }];
  expect(asked).toEqual({ ready: [], again, under_way: 1, published: 0, left: 0 });
  expect(askToPublish(asked.again, 2)).toEqual({ ...asked, again: [] });
});

test("one that was left to people is ready again for a newer version only", () => {
  const left = aChangeset({ state: { status: "needs-human", because, published } });
  const newer = { ...left, desired: { run: 2, specVersion: 2, executionId: "x-2" } };
  expect(askToPublish([left], 1)).toMatchObject({ ready: [], left: 1 });
  expect(askToPublish([newer], 2)).toMatchObject({ ready: [{ state: { status: "ready", published } }], left: 0 });
});

test("an open pull request is brought up to date when another patch is wanted, and keeps its number", () => {
  const open = aChangeset({
    state: { status: "open", published },
    desired: { ...desired, run: 2, executionId: "x-2" },
  });
  expect(askToPublish([open], 2).ready.map(({ state }) => state)).toEqual([{ status: "ready", published }]);
});
