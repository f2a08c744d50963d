import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { exitCodes } from "#cli/exit-codes.ts";
import { run } from "#cli/run.ts";
import { createTestIo } from "#cli/testing/test-io.ts";
import { startWorld, type World } from "./world.ts";

const specOf = (on: string): string => `
version: 1
name: fleet
on: ${on}
filters:
  include: [{ file: package.json }, { topic: tended }]
  exclude: [{ topic: frozen }]
steps: [{ run: "true", image: "debian:12" }]
pullRequest: { title: Nothing }
`;

const notConfirmed = "the code search named it, but none of the files that it found is on the default branch now";

let world: World;
let cwd: string;

beforeEach(async () => {
  world = await startWorld();
  cwd = await mkdtemp(join(tmpdir(), "octobatch-select-"));
  await world.github.addOrganization("acme");
});

afterEach(async () => {
  await world.close();
  await rm(cwd, { recursive: true });
});

interface Selection {
  readonly selected: number;
  readonly excluded: number;
  readonly complete: boolean;
  readonly cost: Readonly<Record<"requests" | "graphqlRequests" | "graphqlPoints" | "searches", number>>;
  readonly repositories: readonly { readonly fullName: string; readonly selected: boolean; readonly because: string }[];
}

/** What `octobatch select --dry-run` prints of the spec. */
async function select(spec: string): Promise<Selection> {
  await writeFile(join(cwd, "campaign.yaml"), spec);
  const [, token = ""] = world.environment["OCTOBATCH_API_TOKENS"]?.split(":") ?? [];
  const env = { OCTOBATCH_URL: world.platform.url, OCTOBATCH_TOKEN: token };
  const io = createTestIo({ env, cwd, fetch: globalThis.fetch });
  const code = await run(["select", "campaign.yaml", "--dry-run", "--all", "--json"], io);
  expect({ code, err: io.printed.err() }).toEqual({ code: exitCodes.ok, err: "" });
  // The command's own document.
  return JSON.parse(io.printed.out()) as Selection;
}

/** What a run of the spec has written down of each repository: its name, whether it is in, and why it is out. */
async function previewed(spec: string): Promise<readonly string[]> {
  await world.api.apply(spec);
  await world.api.preview("fleet");
  await world.settled();
  const rows = await world.api.repositories("fleet");
  return rows.map(({ fullName, standing, because }) =>
    standing === "excluded" ? `${fullName} out: ${because}` : `${fullName} in`,
  );
}

const asRun = ({ repositories }: Selection): readonly string[] =>
  repositories.map(({ fullName, selected, because }) => (selected ? `${fullName} in` : `${fullName} out: ${because}`));

const writes = () =>
  world.github.requests.filter(({ isWrite }) => isWrite).map(({ method, path }) => `${method} ${path}`);

describe("select --dry-run", () => {
  test("says of hundreds of repositories what a preview then does, stores nothing and only reads GitHub", async () => {
    await world.github.addRepositories(230, {
      owner: "acme",
      files: [{ "go.mod": "module a\n" }, { "Cargo.toml": "" }, { "pom.xml": "" }, { Gemfile: "" }],
      traits: (index) => ({
        archived: index % 10 === 9,
        topics: index % 40 === 0 ? ["tended"] : index % 40 === 1 ? ["tended", "frozen"] : [],
      }),
    });
    const spec = specOf("[{ org: acme }, { repository: acme/repository-00002 }, { repository: acme/gone }]");
    const selection = await select(spec);
    expect(selection).toMatchObject({ selected: 6, excluded: 225, complete: true });
    // One request for the names, three for the pages; GitHub charges each a point.
    expect(selection.cost).toEqual({ requests: 4, graphqlRequests: 4, graphqlPoints: 4, searches: 0 });
    expect(await world.api.campaigns()).toEqual([]);
    expect(await world.api.audit()).toEqual([]);
    expect(asRun(selection)).toEqual(await previewed(spec));
    expect(writes()).toEqual([]);
  });

  test("leaves out what a code search whose index is stale names in error, as a preview does", async () => {
    const { github } = world;
    await github.addRepositories(4, { owner: "acme", files: { ".nvmrc": "22\n", "package.json": "{}\n" } });
    github.codeIndex.freeze();
    const spec = specOf('[{ codeSearch: "filename:.nvmrc 22", org: acme }, { repository: acme/repository-00002 }]');
    expect(await select(spec)).toMatchObject({ selected: 4, excluded: 0 });
    for (const name of ["acme/repository-00001", "acme/repository-00002"]) {
      await github.pushCommit(name, { branch: "main", files: { ".nvmrc": null } });
    }
    const selection = await select(spec);
    expect(asRun(selection)).toEqual([
      "acme/repository-00000 in",
      `acme/repository-00001 out: ${notConfirmed}`,
      "acme/repository-00002 in",
      "acme/repository-00003 in",
    ]);
    expect(await previewed(spec)).toEqual(asRun(selection));
    expect(writes()).toEqual([]);
  });

  test("tells no repository out before all pages of a code search were read", async () => {
    const { github } = world;
    await github.addRepositories(120, { owner: "acme", files: { ".nvmrc": "22\n", "package.json": "{}\n" } });
    const moved = ["acme/repository-00003", "acme/repository-00004", "acme/repository-00119"];
    github.codeIndex.freeze();
    const spec = specOf('[{ codeSearch: "filename:.nvmrc 22", org: acme }, { search: "00004 in:name", org: acme }]');
    expect(await select(spec)).toMatchObject({ selected: 120, excluded: 0, cost: { searches: 2 } });
    for (const name of moved) await github.pushCommit(name, { branch: "main", files: { ".nvmrc": null } });

    const selection = await select(spec);
    expect(selection).toMatchObject({ selected: 118, excluded: 2 });
    expect(selection.repositories.filter((each) => !each.selected)).toMatchObject([
      { fullName: "acme/repository-00003", because: notConfirmed },
      { fullName: "acme/repository-00119", because: notConfirmed },
    ]);
    // Its first page named one in error, and is read again after all others.
    expect(selection.cost.searches).toBe(4);
    github.codeIndex.freeze(false);
    expect(await select(spec)).toMatchObject({ selected: 118, excluded: 0 });
    expect(writes()).toEqual([]);
  });
});
