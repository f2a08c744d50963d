import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createStores, type Stores } from "#shared/adapters/postgres/stores.ts";
import {
  aChangeset,
  anExecution,
  aPatch,
  aPublished,
  aRepository,
  aSpecVersion,
  noon,
} from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import type { ChangesetState } from "./changeset.ts";
import { desire, desireAll, type Finding } from "./desire.ts";

const published = aPublished();

function found(run: number, overrides: Partial<Finding> = {}): Finding {
  const execution = anExecution({ id: `x-${run}`, state: aPatch });
  return { run, specVersion: run, repository: aRepository(), branch: "main", execution, ...overrides };
}

const lost = (run: number) =>
  found(run, { execution: anExecution({ id: `x-${run}`, state: { status: "no-change" } }) });

/** As it stands after these findings. */
function after(state: ChangesetState | undefined, ...findings: readonly Finding[]) {
  let known = state && aChangeset({ state });
  for (const finding of findings) {
    const next = desire(known, finding);
    if (next !== undefined) known = { version: 1, ...next };
  }
  return known;
}

describe("a repository whose execution has ended", () => {
  test("gets a changeset when there is a patch, and none when there is not", () => {
    const { version: _, ...changeset } = aChangeset();
    expect(desire(undefined, found(1))).toEqual(changeset);
    expect(desire(undefined, lost(1))).toBeUndefined();
  });

  test("keeps its changeset for a newer patch: wanted now, published as before", () => {
    const state = { status: "open", published } as const;
    expect(after(state, found(2))).toMatchObject({ desired: { run: 2, specVersion: 2, executionId: "x-2" }, state });
  });

  test("takes the repository's new name and branch with a newer patch", () => {
    const repository = aRepository({ name: "renamed" });
    expect(after({ status: "unpublished" }, found(2, { repository, branch: "trunk" }))).toMatchObject({
      repository,
      baseBranch: "trunk",
    });
  });

  test("hears nothing of what an earlier run found", () => {
    expect(after({ status: "unpublished" }, found(3), found(2))).toMatchObject({ desired: { run: 3 } });
    expect(after({ status: "unpublished" }, found(3), lost(2))).toMatchObject({ state: { status: "unpublished" } });
  });

  test("is withdrawn when a newer run finds no change, and an earlier run that is late does not bring it back", () => {
    const withdrawn = {
      state: { status: "withdrawn", because: "spec version 3 changes nothing here any more" },
      desired: { run: 3 },
    };
    expect(after({ status: "unpublished" }, lost(3))).toMatchObject(withdrawn);
    expect(after({ status: "unpublished" }, lost(3), found(2))).toMatchObject(withdrawn);
    expect(after({ status: "unpublished" }, lost(3), found(4))).toMatchObject({ state: { status: "unpublished" } });
  });

  test("is withdrawn with the true reason when the newer preview failed", () => {
    const execution = anExecution({ state: { status: "failed", because: "exit code 1" } });
    expect(after({ status: "ready" }, found(2, { execution }))).toMatchObject({
      state: { status: "withdrawn", because: "the preview of spec version 2 gave no patch: it is failed" },
    });
  });

  test.each([
    ["a patch", found(2), 2],
    ["no change", lost(2), 1],
  ])("is not closed when a newer run selects it and finds %s before its turn came", (_, finding, run) => {
    const closing = { status: "closing", because: "no longer selected", published } as const;
    expect(after(closing, finding)).toMatchObject({ desired: { run }, state: { status: "open", published } });
    const publishing = { status: "publishing", desired: aChangeset().desired } as const;
    expect(after({ ...publishing, closeAsked: "no longer selected" }, finding)?.state).toEqual(publishing);
  });

  test.each<ChangesetState>([
    { status: "open", published },
    { status: "ready", published },
    { status: "needs-human", because: "drift", published },
    { status: "failed", because: "refused", published },
    { status: "merged", published },
  ])("keeps its pull request when a newer run finds no change and it is $status", (state) => {
    expect(after(state, lost(2))).toEqual(aChangeset({ state }));
  });
});

describe("what findings make of the table", () => {
  let db: TestDatabase;
  let stores: Stores;
  beforeAll(async () => {
    db = await testDatabase();
    stores = createStores(db.database.knex, []);
    await stores.campaigns.apply(aSpecVersion());
  });
  afterAll(() => db.drop());

  test("is the same after hearing them twice", async () => {
    const findings = [found(1), found(1, { repository: aRepository({ id: 2 }) })];
    await desireAll(stores.changesets, findings, noon);
    const once = await stores.changesets.ofCampaign("tidy");
    await desireAll(stores.changesets, findings, noon);
    const twice = await stores.changesets.ofCampaign("tidy");
    expect(once).toHaveLength(2);
    expect(twice.map(({ state, desired }) => ({ state, desired }))).toEqual(
      once.map(({ state, desired }) => ({ state, desired })),
    );
  });
});
