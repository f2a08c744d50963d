import { describe, expect, test } from "vitest";
import type { RepoTarget } from "#shared/run/run.ts";
import { aChangeset, aPublished, aRepository } from "#shared/testing/builders.ts";
import { askToPublish } from "./ask-to-publish.ts";
import type { Changeset, ChangesetState } from "./changeset.ts";

const published = aPublished();
const because = "reasons";
const { desired } = aChangeset();

const of = (...states: readonly ChangesetState[]) =>
  states.map((state, index) => aChangeset({ repository: aRepository({ id: index + 1 }), state }));

const nothing = { ready: [], closing: [], others: [] };

function aTarget({ repository, workspace }: Changeset, overrides: Partial<RepoTarget> = {}): RepoTarget {
  const target = { campaign: "tidy", run: 1, key: String(repository.id), fullName: "acme/api", because: "all are in" };
  return { ...target, repository, workspace, selected: true, ...overrides };
}

/** Asks while the run selects all that there is. */
const ask = (changesets: readonly Changeset[], run: number) =>
  askToPublish(
    changesets,
    run,
    changesets.map((changeset) => aTarget(changeset)),
  );

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
  const { ready, closing, others, ...counts } = ask(changesets, 1);
  expect([...closing, ...others]).toEqual([]);
  expect(ready.map(({ id, state }) => [id, state])).toEqual(
    changesets.slice(0, 2).map(({ id }) => [id, { status: "ready" }]),
  );
  expect(counts).toEqual({ under_way: 2, published: 1, left: 4 });
});

test("asking twice makes nothing ready a second time", () => {
  const { ready } = ask(of({ status: "unpublished" }), 1);
  expect(ask(ready, 1)).toEqual({ ...nothing, under_way: 1, published: 0, left: 0 });
});

test("a changeset that an earlier run wanted is left: this run did not find a patch there", () => {
  const left = { ...nothing, under_way: 0, published: 0, left: 1 };
  expect(ask(of({ status: "unpublished" }), 2)).toEqual(left);
});

test("one that is being published is published again afterwards when something newer is asked for, once", () => {
  const state = { status: "publishing", desired } as const;
  const publishing = aChangeset({ state, desired: { run: 2, specVersion: 2, executionId: "x-2" } });
  const asked = ask([publishing], 2);
  const again = [{ ...publishing, state: { ...state, askedAgain: true } }];
  expect(asked).toEqual({ ...nothing, others: again, under_way: 1, published: 0, left: 0 });
  expect(ask(asked.others, 2)).toEqual({ ...asked, others: [] });
});

test("one that was left to people is ready again for a newer version only", () => {
  const left = aChangeset({ state: { status: "needs-human", because, published } });
  const newer = { ...left, desired: { run: 2, specVersion: 2, executionId: "x-2" } };
  expect(ask([left], 1)).toMatchObject({ ready: [], left: 1 });
  expect(ask([newer], 2)).toMatchObject({ ready: [{ state: { status: "ready", published } }], left: 0 });
});

test("an open pull request is brought up to date when another patch is wanted, and keeps its number", () => {
  const open = aChangeset({
    state: { status: "open", published },
    desired: { ...desired, run: 2, executionId: "x-2" },
  });
  expect(ask([open], 2).ready.map(({ state }) => state)).toEqual([{ status: "ready", published }]);
});

describe("what the run does not select any more", () => {
  const all = of(
    { status: "unpublished" },
    { status: "ready" },
    { status: "ready", published },
    { status: "failed", because },
    { status: "failed", because, published },
    { status: "open", published },
    { status: "publishing", desired },
    { status: "needs-human", because, published },
    { status: "closing", because, published },
    { status: "merged", published },
    { status: "closed", published },
  );

  test("is withdrawn, or closed where it has a pull request; what people decide about is left to them", () => {
    const { ready, closing, others, ...counts } = askToPublish(all, 2, []);
    expect(ready).toEqual([]);
    const why = "no longer selected: no source of the spec leads to it";
    expect(others.map(({ repository, state }) => [repository.id, state])).toEqual(
      [1, 2, 4].map((id) => [id, { status: "withdrawn", because: why }]),
    );
    expect(closing.map(({ repository, state }) => [repository.id, state])).toEqual(
      [3, 5, 6].map((id) => [id, { status: "closing", because: why, published }]),
    );
    expect(counts).toEqual({ under_way: 2, published: 0, left: 6 });
  });

  test("says why, as the run does", () => {
    const [changeset = aChangeset()] = of({ status: "open", published });
    const out = aTarget(changeset, { selected: false, because: "excluded: archived" });
    const { closing } = askToPublish([changeset], 2, [out]);
    expect(closing).toMatchObject([{ state: { because: "no longer selected: excluded: archived" } }]);
  });

  test("is each workspace by itself, and none while it is not known which there are", () => {
    const open = { status: "open", published } as const;
    const [a, b] = ["packages/a", "packages/b"].map((workspace) => aChangeset({ workspace, state: open }));
    const both = [a ?? aChangeset(), b ?? aChangeset()];
    const [first = aChangeset()] = both;
    expect(askToPublish(both, 2, [aTarget(first)]).closing).toMatchObject([{ workspace: "packages/b" }]);
    const lost = aTarget(aChangeset(), { workspaceLookup: "failed" });
    expect(askToPublish(both, 2, [lost]).closing).toEqual([]);
  });

  test("is ready again when a run selects it before it was closed", () => {
    const [changeset = aChangeset()] = of({ status: "closing", because, published });
    expect(ask([changeset], 1).ready).toMatchObject([{ state: { status: "ready", published } }]);
  });
});
