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

const nothing = { ready: [], closing: [], others: [], unseen: [] };

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
  const { ready, closing, others, unseen, ...counts } = ask(changesets, 1);
  expect([...closing, ...others, ...unseen]).toEqual([]);
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
  const missing = { campaign: "tidy", run: 2, selected: false, because: "there is no such repository" };
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
    const out = all.map((changeset) => aTarget(changeset, { selected: false, because: "excluded: archived" }));
    const { ready, closing, others, unseen, ...counts } = askToPublish(all, 2, out);
    expect([...ready, ...unseen]).toEqual([]);
    const why = "no longer selected: excluded: archived";
    expect(others.map(({ repository, state }) => [repository.id, state])).toEqual([
      [1, { status: "withdrawn", because: why }],
      [2, { status: "withdrawn", because: why }],
      [4, { status: "withdrawn", because: why }],
      [7, { status: "publishing", desired, closeAsked: why }],
    ]);
    expect(closing.map(({ repository, state }) => [repository.id, state])).toEqual(
      [3, 5, 6].map((id) => [id, { status: "closing", because: why, published }]),
    );
    expect(counts).toEqual({ under_way: 2, published: 0, left: 6 });
  });

  test.each([
    ["no target of it", []],
    ["a name that could not be seen", [{ ...missing, key: "name:acme/api", fullName: "acme/api" }]],
  ])("is left alone with its pull request when all that the run has is %s", (_, targets) => {
    const { ready, closing, others, unseen, ...counts } = askToPublish(all, 2, targets);
    expect([...ready, ...closing]).toEqual([]);
    expect(others.map(({ repository, state }) => [repository.id, state])).toEqual(
      [1, 2, 4].map((id) => [id, { status: "withdrawn", because: "the newest preview did not come across it" }]),
    );
    expect(unseen.map(({ repository }) => repository.id)).toEqual([3, 5, 6, 8]);
    expect(counts).toEqual({ under_way: 2, published: 0, left: 9 });
  });

  test("is not brought back by what an earlier run finds late", () => {
    const [changeset = aChangeset()] = of({ status: "open", published });
    const out = aTarget(changeset, { selected: false });
    expect(askToPublish([changeset], 3, [out]).closing).toMatchObject([{ desired: { ...desired, run: 3 } }]);
  });

  test("has the reason of its repository when a divided one is left out as a whole", () => {
    const changeset = aChangeset({ workspace: "packages/a", state: { status: "open", published } });
    const out = aTarget(aChangeset(), { selected: false, because: "excluded: archived" });
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

  test("is not closed after its publication when a run selects it again meanwhile", () => {
    const [changeset = aChangeset()] = of({ status: "publishing", desired, closeAsked: because });
    expect(ask([changeset], 1).others).toMatchObject([{ state: { status: "publishing", desired } }]);
    expect(ask([changeset], 1).others[0]?.state).not.toHaveProperty("closeAsked");
  });

  test("is ready again when a run selects it before it was closed", () => {
    const [changeset = aChangeset()] = of({ status: "closing", because, published });
    expect(ask([changeset], 1).ready).toMatchObject([{ state: { status: "ready", published } }]);
  });
});
