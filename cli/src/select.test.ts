import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import { exitCodes } from "./exit-codes.ts";
import { Interruption } from "./io.ts";
import { renderSelection } from "./render-selection.ts";
import { run } from "./run.ts";
import { createSelectionTally } from "./selection-tally.ts";
import { plain } from "./terminal.ts";
import { openApiWorld, type ApiWorld } from "./testing/api-world.ts";
import { aSpec, runAgainst } from "./testing/command-line.ts";
import { createTestIo } from "./testing/test-io.ts";

const io = createTestIo();
let world: ApiWorld;

beforeEach(async () => {
  world = await openApiWorld();
  for (const name of ["api", "docs", "legacy", "old", "web"]) {
    const isArchived = name === "legacy" || name === "old";
    world.codeHost.addRepository({ owner: "acme", name, files: { "a.txt": "a" }, isArchived });
  }
});

afterEach(() => world.close());

const spec = aSpec("node-24");

function select(flags: string, options: Parameters<typeof createTestIo>[0] = {}) {
  return runAgainst(world, `select - ${flags}`, { stdin: spec, ...options });
}

describe("select --dry-run", () => {
  test("says how many are in and out, why, and what it took at GitHub", async () => {
    const { code, out, err } = await select("--dry-run");
    expect(out).toBe(`node-24 selects 3 of 5 repositories, and leaves out 2.
Out:
  2  excluded: archived
     acme/legacy, acme/old
In:
  3  included: nothing excludes it
     acme/api, acme/docs, acme/web
Asked of GitHub: 3 requests.
Nothing was stored. Next: octobatch apply -, then octobatch preview node-24
`);
    expect(err).toBe(
      ["2 repositories seen, 2 in", "4 repositories seen, 2 in", "5 repositories seen, 3 in"]
        .map((line) => `Selecting: ${line}\n`)
        .join(""),
    );
    expect(code).toBe(exitCodes.ok);
    expect((await runAgainst(world, "campaigns --json")).out).toContain('"campaigns": []');
    expect(world.codeHost.mutations).toEqual([]);
  });

  test("says which repositories will be divided, and that the preview finds how", async () => {
    const stdin = `${spec}workspaces: [{ rootAtLocationOf: go.mod, in: api }, { rootAtLocationOf: package.json }]\n`;
    const { out } = await select("--dry-run", { stdin });
    const line = (count: string, file: string) =>
      `${count} will be divided: each directory with ${file} is a workspace. The preview finds them.\n`;
    expect(out).toContain(line("1 repository", "go.mod") + line("2 repositories", "package.json"));
  });

  test("lists every repository with --all, by name", async () => {
    const { out } = await select("--dry-run --all");
    expect(out).toMatch(
      /^acme\/api +in +main +included: nothing excludes it\nacme\/docs .*\nacme\/legacy +out +main /mu,
    );
  });

  test("is one document with --json, with every repository only when asked for", async () => {
    const { out, err } = await select("--dry-run --json");
    expect(JSON.parse(out)).toEqual({
      campaign: "node-24",
      selected: 3,
      excluded: 2,
      complete: true,
      reasons: [
        { selected: false, because: "excluded: archived", count: 2, examples: ["acme/legacy", "acme/old"] },
        {
          selected: true,
          because: "included: nothing excludes it",
          count: 3,
          examples: ["acme/api", "acme/docs", "acme/web"],
        },
      ],
      cost: { requests: 3, graphqlRequests: 0, graphqlPoints: 0, searches: 0 },
    });
    expect(err).toBe("");
    const { repositories } = JSON.parse((await select("--dry-run --json --all")).out);
    expect(repositories).toHaveLength(5);
  });

  test("counts a repository once, as what was said first of it", async () => {
    const twice = spec.replace("- org: acme", "- org: acme\n  - { repository: acme/api, branch: next }");
    const { out } = await select("--dry-run --json", { stdin: twice });
    expect(JSON.parse(out)).toMatchObject({ selected: 2, excluded: 3 });
  });

  test("waits for as long as GitHub says, says so, and goes on where it was", async () => {
    const until = new Date("2026-03-04T05:07:07Z");
    const busy = new CodeHostBusy("GitHub's limit is reached.", until);
    const fetch = afterFirstPage(() => world.codeHost.failNext("organizationPage", busy));
    const { code, out, err, slept } = await select("--dry-run", { fetch });
    expect([code, slept]).toEqual([exitCodes.ok, [60_000]]);
    expect(err).toContain("2 repositories seen, 2 in\nGitHub's limit is reached. Going on in 60 s\nSelecting: 4");
    expect(out).toContain("selects 3 of 5 repositories");
    expect((await select("--dry-run")).out).toBe(out);
  });

  test("reads a page again when GitHub or the connection fails for a moment", async () => {
    const unavailable = new CodeHostUnavailable("GitHub answered 502.");
    let cuts = 0;
    const fetch = afterFirstPage(
      () => world.codeHost.failNext("organizationPage", unavailable),
      () => {
        cuts += 1;
        if (cuts < 3) throw new TypeError("fetch failed");
      },
    );
    const { code, out, slept } = await select("--dry-run", { fetch });
    expect([code, out]).toEqual([exitCodes.ok, expect.stringContaining("selects 3 of 5 repositories")]);
    // The connection failed twice, then GitHub once.
    expect(slept).toEqual([250, 500, 1000]);
  });

  test("ends with what GitHub refuses, in its words, and with what is wrong with the spec", async () => {
    world.codeHost.failNext("organizationPage", new CodeHostRefused("invalid", "Narrow it."));
    expect(await select("--dry-run")).toMatchObject({
      code: exitCodes.refused,
      out: "",
      err: "octobatch: Narrow it.\n",
    });
    const wrong = await select("--dry-run", { stdin: spec.replace("image:", "imagee:") });
    expect([wrong.code, wrong.err]).toEqual([
      exitCodes.invalidSpec,
      expect.stringMatching(/^<stdin>:8:5 steps\[0\]\.imagee/mu),
    ]);
  });

  test.each([
    ["SIGINT", exitCodes.interrupted, "Interrupted"],
    ["SIGTERM", exitCodes.terminated, "Terminated"],
  ] as const)("that gets %s shows what was found so far, and that it is not all", async (by, exitCode, word) => {
    const io = createTestIo({
      env: world.env,
      stdin: spec,
      fetch: afterFirstPage(() => io.interrupt(new Interruption(by))),
    });
    expect(await run(["select", "-", "--dry-run"], io)).toBe(exitCode);
    expect(io.printed.out()).toMatch(/^node-24 selects 2 of 2 repositories so far, and leaves out 0\./u);
    expect(io.printed.out()).not.toContain("Next:");
    expect(io.printed.err()).toContain(`octobatch: ${word}: not all repositories were looked at.\nNothing was stored`);
  });

  test("that is interrupted before the first page has nothing to show", async () => {
    const io = createTestIo({ env: world.env, stdin: spec });
    io.interrupt(new Interruption("SIGINT"));
    expect(await run(["select", "-", "--dry-run"], io)).toBe(exitCodes.interrupted);
    expect(io.printed.out()).toBe("");
  });
});

test("select without --dry-run says where a selection is kept", async () => {
  const { code, out, err } = await select("--all");
  expect([code, out]).toEqual([exitCodes.usage, ""]);
  expect(err).toContain("needs --dry-run");
  expect(err).toContain("`octobatch preview`");
});

test("many reasons are shortened, the most frequent kept", () => {
  const page = {
    campaign: "c",
    cost: { requests: 6, graphqlRequests: 4, graphqlPoints: 4, searches: 1 },
    repositories: Array.from({ length: 60 }, (_, index) => ({
      key: String(index),
      fullName: `acme/r${String(index).padStart(2, "0")}`,
      selected: false,
      because: index < 10 ? "excluded: archived" : `not included: language is L${index}, not Go`,
    })),
  };
  const tally = createSelectionTally();
  tally.add(page);
  tally.add(page);
  const text = renderSelection(tally.sum(), { file: "a.yaml", all: false, isComplete: true }, { paint: plain, io });
  expect(text.split("\n").slice(0, 4)).toEqual([
    "c selects 0 of 60 repositories, and leaves out 60.",
    "Out:",
    "  10  excluded: archived",
    "      acme/r00, acme/r01, acme/r02, …",
  ]);
  expect(text).toContain("\n  and 31 reasons more, of 31 repositories: --all\n");
  expect(text).toContain(
    "Asked of GitHub: 12 requests: 8 GraphQL requests for 8 points of the hourly budget, 2 searches.",
  );
});

/** The API, where something happens before each request but the first. What comes first is done once. */
function afterFirstPage(once: () => void, always: () => void = () => {}): ApiWorld["fetch"] {
  let asked = 0;
  return async (input, init) => {
    asked += 1;
    if (asked === 2) once();
    if (asked > 1) always();
    init?.signal?.throwIfAborted();
    return world.fetch(input, init);
  };
}
