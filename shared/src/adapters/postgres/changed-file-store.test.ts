import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ChangedFile } from "#shared/execution/changed-file.ts";
import type { ChangeQuery } from "#shared/execution/changed-file-store.ts";
import { compileGlob, globExpression } from "#shared/spec/glob.ts";
import { anExecution, aPatch, aRepository, aSpecVersion, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { createStores, type Stores } from "./stores.ts";

let db: TestDatabase;
let stores: Stores;
let repositories: number;
beforeEach(async () => {
  repositories = 0;
  db = await testDatabase();
  stores = createStores(db.database.knex, []);
  await stores.campaigns.apply(aSpecVersion());
  await newRun();
});
afterEach(() => db.drop());

async function newRun(): Promise<void> {
  await stores.runs.create({ campaign: "tidy", specVersion: 1, requestedBy: "ana", requestedAt: noon });
}

function aFile(overrides: Partial<ChangedFile> & { readonly path: string }): ChangedFile {
  const counts = { additions: overrides.added?.length ?? 0, deletions: overrides.removed?.length ?? 0 };
  const plain = { mode: "100644", oldMode: "100644", binary: false, added: [], removed: [], truncated: false } as const;
  return { change: "modified", ...plain, ...counts, ...overrides };
}

/** A repository of the run, or a workspace of one, with a patch of these files. */
async function patched(name: string, files: readonly ChangedFile[], workspace = ""): Promise<string> {
  repositories += 1;
  const repository = aRepository({ id: repositories, name });
  const id = `x-${name}-${repositories}`;
  const state = { ...aPatch, statistics: { filesChanged: files.length, additions: 0, deletions: 0 } };
  await stores.executions.addAll([anExecution({ id, repository, state })], noon);
  const fullName = `acme/${name}`;
  const because = "it belongs to acme";
  const place = { campaign: "tidy", run: 1, key: `${repositories}${workspace}`, fullName, repository, workspace };
  await stores.runs.addTargets([{ ...place, selected: true, because, executionId: id }]);
  await stores.changedFiles.addAll(id, files);
  return id;
}

/** The names and files that are found, in order. */
async function found(query: Partial<ChangeQuery>): Promise<readonly string[]> {
  const { repositories } = await stores.changedFiles.search({ campaign: "tidy", run: 1, limit: 100, ...query });
  return repositories.flatMap(({ fullName, files }) => files.map(({ path }) => `${fullName}:${path}`));
}

describe("a search of changed files", () => {
  test("answers each file as it was written", async () => {
    const file = aFile({ path: "b/new.ts", oldPath: "a/old.ts", change: "renamed", additions: 3, deletions: 1 });
    const link = aFile({ path: "link", change: "added", oldMode: "000000", mode: "120000", binary: true });
    await patched("api", [file, link]);
    const { repositories, next } = await stores.changedFiles.search({ campaign: "tidy", run: 1, limit: 2 });
    expect(repositories).toEqual([
      { fullName: "acme/api", workspace: "", executionId: "x-api-1", found: 2, files: [file, link] },
    ]);
    expect(next).toBeUndefined();
  });

  test("takes texts as they are written, in one line, with their case", async () => {
    await patched("api", [aFile({ path: "a", added: ["  100% of_it.*", "two"], removed: ["[old]"] })]);
    for (const added of ["100%", "of_it.*", "  1", "two"]) expect(await found({ added })).toHaveLength(1);
    for (const added of ["1_0", "OF_IT", "of.it", "*two", "[old]"]) expect(await found({ added })).toEqual([]);
    expect(await found({ removed: "[old]" })).toHaveLength(1);
    expect(await found({ removed: "[old]", added: "two" })).toHaveLength(1);
    expect(await found({ removed: "[old]", added: "three" })).toEqual([]);
  });

  test("finds a renamed file by both of its paths, and by its change", async () => {
    await patched("api", [aFile({ path: "new.ts", oldPath: "old.js", change: "renamed" }), aFile({ path: "b.ts" })]);
    expect(await found({ path: "*.js" })).toEqual(["acme/api:new.ts"]);
    expect(await found({ path: "*.ts" })).toEqual(["acme/api:new.ts", "acme/api:b.ts"]);
    expect(await found({ change: "renamed" })).toEqual(["acme/api:new.ts"]);
    expect(await found({ change: "deleted" })).toEqual([]);
  });

  test("shows the lines that have the text, long ones around it, and few of many", async () => {
    const long = `${"x".repeat(1000)}needle${"y".repeat(1000)}`;
    const lines = ["none", "a needle", long, ...Array.from({ length: 9 }, (_, index) => `needle ${index}`)];
    await patched("api", [aFile({ path: "a", added: lines })]);
    const { repositories } = await stores.changedFiles.search({ campaign: "tidy", run: 1, limit: 1, added: "needle" });
    const shown = repositories[0]?.files[0]?.added ?? [];
    expect(shown).toHaveLength(5);
    expect(shown[0]).toBe("a needle");
    expect(shown[1]).toMatch(/^x+needley+$/);
    expect(shown[1]).toHaveLength(300);
    expect(repositories[0]?.files[0]?.removed).toEqual([]);
  });

  test("shows the first files of a repository that has many, and says how many there are", async () => {
    await patched(
      "api",
      Array.from({ length: 60 }, (_, index) => aFile({ path: `f${index}` })),
    );
    const { repositories } = await stores.changedFiles.search({ campaign: "tidy", run: 1, limit: 1 });
    expect(repositories[0]).toMatchObject({ found: 60 });
    expect(repositories[0]?.files.map(({ path }) => path)).toEqual(
      Array.from({ length: 50 }, (_, index) => `f${index}`),
    );
  });

  test("goes through all repositories page by page, in the order of their names' bytes", async () => {
    const names = ["b", "a-b", "B", "a", "a.b"];
    for (const name of names) await patched(name, [aFile({ path: "f" })]);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const query = { campaign: "tidy", run: 1, limit: 2, ...(after === undefined ? {} : { after }) };
      const { repositories, next } = await stores.changedFiles.search(query);
      seen.push(...repositories.map(({ fullName }) => fullName));
      after = next;
    } while (after !== undefined);
    expect(seen).toEqual(["acme/B", "acme/a", "acme/a-b", "acme/a.b", "acme/b"]);
  });

  test("tells the workspaces of a repository apart", async () => {
    await patched("mono", [aFile({ path: "web/a" })], "web app");
    await patched("mono", [aFile({ path: "api/a" })], "api");
    const first = await stores.changedFiles.search({ campaign: "tidy", run: 1, limit: 1 });
    const second = await stores.changedFiles.search({ campaign: "tidy", run: 1, limit: 1, after: first.next });
    const third = await stores.changedFiles.search({ campaign: "tidy", run: 1, limit: 1, after: second.next });
    const pages = [first, second, third].map(({ repositories }) => repositories.map(({ workspace }) => workspace));
    expect(pages).toEqual([["web app"], ["api"], []]);
  });

  test("looks at one run, also at what it shares with an earlier one", async () => {
    const id = await patched("api", [aFile({ path: "old" })]);
    await newRun();
    expect(await found({ run: 2 })).toEqual([]);
    const target = {
      campaign: "tidy",
      run: 2,
      key: "1",
      fullName: "acme/renamed",
      selected: true,
      because: "it is in",
      workspace: "",
    };
    await stores.runs.addTargets([{ ...target, repository: aRepository(), executionId: id }]);
    expect(await found({ run: 2 })).toEqual(["acme/renamed:old"]);
  });

  test("reads globs as specs do", async () => {
    const paths = [
      "package.json",
      "web/package.json",
      "a_b.ts",
      "axb.ts",
      "a-b/c.d",
      "a-b/cxd",
      "A/B",
      "two words",
      "@x/y",
    ];
    await patched(
      "api",
      paths.map((path) => aFile({ path })),
    );
    const globs = [
      "package.json",
      "**package.json",
      "*/package.json",
      "{*/,}package.json",
      "a_b.*",
      "a?b.ts",
      "**.d",
      "a/b",
    ];
    for (const path of [...globs, "A-B/*", "two words", "@x/*", "**", "*", "?/?", "{a,@x}/**", "a-b/c.d"]) {
      const expected = paths.filter(compileGlob(path)).map((each) => `acme/api:${each}`);
      expect({ path, found: await found({ path }) }).toEqual({ path, found: expected });
    }
    expect(() => globExpression("a[b]")).toThrow(TypeError);
  });

  test("takes no time that explodes", async () => {
    await patched("api", [aFile({ path: "a".repeat(4000) })]);
    expect(await found({ path: `${"*a".repeat(99)}b` })).toEqual([]);
  });
});

describe("changed files", () => {
  test("that are written twice are there once", async () => {
    const files = [aFile({ path: "a", added: ["once"] })];
    const id = await patched("api", files);
    await stores.changedFiles.addAll(id, files);
    expect(await found({})).toEqual(["acme/api:a"]);
  });

  test("with any name and text are taken", async () => {
    const file = aFile({ path: String.raw`"caf\351.txt"`, added: ["\uFFFD \u0001 \r 😀 \\ \" ' ?"] });
    await patched("api", [file, aFile({ path: "tab\tand\nnewline" })]);
    expect(await found({ added: "? " })).toEqual([]);
    expect(await found({ added: "\" ' ?" })).toEqual([String.raw`acme/api:"caf\351.txt"`]);
    expect(await found({ path: "tab?and?newline" })).toEqual(["acme/api:tab\tand\nnewline"]);
  });

  test("that are not searched in full are told, and so are those that are gone", async () => {
    const id = await patched("api", [aFile({ path: "a" })]);
    expect(await stores.changedFiles.unsearched("tidy", 1)).toEqual({ repositories: 0, examples: [] });
    await patched("cut", [aFile({ path: "a" }), aFile({ path: "b", truncated: true })]);
    await stores.executions.forgetArtifacts(id);
    await stores.executions.forgetArtifacts(id);
    expect(await found({})).toEqual(["acme/cut:a", "acme/cut:b"]);
    expect(await stores.changedFiles.unsearched("tidy", 1)).toEqual({
      repositories: 2,
      examples: ["acme/api", "acme/cut"],
    });
  });
});
