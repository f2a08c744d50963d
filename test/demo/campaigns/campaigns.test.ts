import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectedOutcomes, type ExpectedOutcome } from "#test/demo/expected.ts";
import { seedRepositories, type SeededRepository } from "#test/github/seed/seed-repositories.ts";
import { runByHand, type ByHand } from "./run-by-hand.ts";

const nodeModules = fileURLToPath(new URL("../../../node_modules", import.meta.url));
let scratch = "";
let repositories: readonly SeededRepository[] = [];
let outcomes: readonly ExpectedOutcome[] = [];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "octobatch-campaigns-"));
  repositories = await seedRepositories({
    directory: join(scratch, "seed"),
    organization: "acme",
    count: 64,
    nodeModules,
  });
  outcomes = await expectedOutcomes(repositories);
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

async function tryOut(campaign: string, name: string): Promise<ByHand> {
  const repository = repositories.find((candidate) => candidate.name === name);
  if (repository === undefined) throw new Error(`${name} is not among the seeded repositories.`);
  const specFile = fileURLToPath(new URL(`${campaign}.yaml`, import.meta.url));
  return runByHand(specFile, repository, { scratch, nodeModules });
}

/** The lines that a patch removes and adds, without the file headers. */
function changedLines(patch: string): readonly string[] {
  return patch.split("\n").filter((line) => /^[-+](?![-+]{2} )/.test(line));
}

function outcomeOf(campaign: string): ExpectedOutcome {
  const outcome = outcomes.find((candidate) => candidate.campaign === campaign);
  if (outcome === undefined) throw new Error(`Nothing is expected of ${campaign}.`);
  return outcome;
}

describe("the campaign about licenses and security policies", () => {
  it.each([
    ["before-after-hook", ['-  "license": "Apache 2.0",', '+  "license": "Apache-2.0",']],
    ["inherits", ['+  "license": "ISC",']],
    ["source-map", ['-  "license": "BSD",', '+  "license": "BSD-3-Clause",']],
    [
      "minimist",
      [
        '-\t"license": {',
        '-\t\t"type": "MIT",',
        '-\t\t"url": "https://opensource.org/licenses/MIT"',
        "-\t},",
        '+\t"license": "MIT",',
      ],
    ],
    ["xtend", ['-  "licenses": [', "-    {", '-      "type": "MIT"', "-    }", "-  ],", '+  "license": "MIT",']],
  ])("changes nothing in the manifest of %s but its license", async (name, expected) => {
    const { patch } = await tryOut("license-and-security", name);
    const manifestPatch = patch.slice(patch.indexOf("diff --git a/package.json"));
    expect(changedLines(manifestPatch)).toEqual(expected);
    expect(patch).toContain(`https://github.com/acme/${name}/security/advisories/new`);
  });

  it("leaves a repository alone that has a policy and a valid license", async () => {
    const { status, output } = await tryOut("license-and-security", "for-each");
    expect(status).toBe("no-change");
    expect(output).toContain("There is a policy already: .github/SECURITY.md");
  });

  it("patches most repositories and leaves some alone", () => {
    const { patch, noChange, excluded } = outcomeOf("license-and-security");
    expect(patch.length).toBeGreaterThan(40);
    expect(noChange.length).toBeGreaterThan(3);
    expect(excluded).toEqual(["commondir", "incubator"]);
  });
});

describe("the codemod campaign", () => {
  it("replaces only the calls that stay the same, and keeps the formatting", async () => {
    const { patch } = await tryOut("substr-to-slice", "postgres-bytea");
    expect(changedLines(patch)).toEqual([
      "-    return bufferFrom(input.substr(2), 'hex')",
      "+    return bufferFrom(input.slice(2), 'hex')",
    ]);
  });

  it("reads TypeScript, and leaves what was compiled from it", async () => {
    const { patch, output } = await tryOut("substr-to-slice", "tsconfig-paths");
    expect(patch).toContain("+++ b/src/try-path.ts");
    expect(patch).not.toContain("lib/");
    expect(output).toBe(
      "- `src/mapping-entry.ts`: 0 replaced, 1 left for a person\n- `src/try-path.ts`: 1 replaced, 2 left for a person\n",
    );
  });

  it("leaves a repository alone where no call is safe to replace", async () => {
    await expect(tryOut("substr-to-slice", "bignumber.js")).resolves.toMatchObject({ status: "no-change" });
  });

  it("patches a believable share of the repositories", () => {
    const { patch, noChange } = outcomeOf("substr-to-slice");
    expect(patch.length).toBeGreaterThan(10);
    expect(noChange.length).toBeGreaterThan(patch.length);
  });
});

describe("the campaign of failures", () => {
  it("stops the step that hangs", async () => {
    const { status, failedStep } = await tryOut("deliberate-failures", "json5");
    expect({ status, failedStep }).toEqual({ status: "failed", failedStep: "Ask the registry who maintains this" });
  });

  it("prints the secret and goes on", async () => {
    const { status, output, patch } = await tryOut("deliberate-failures", "nanoid");
    expect({ status, prints: output.includes("the value of DEMO_TOKEN") }).toEqual({ status: "patch", prints: true });
    expect(patch).not.toContain("DEMO_TOKEN");
  });

  it("fails the repository whose check fails", async () => {
    await expect(tryOut("deliberate-failures", "semver")).resolves.toMatchObject({ status: "failed" });
  });
});

describe("what the demo expects", () => {
  const sample = ["acorn", "chalk", "debug", "esprima", "for-each", "ms", "pg-types", "picocolors", "pino", "yaml"];

  it.each(["license-and-security", "substr-to-slice"])(
    "is what %s does to a sample of repositories",
    async (campaign) => {
      const { patch, noChange } = outcomeOf(campaign);
      for (const name of sample) {
        const { status } = await tryOut(campaign, name);
        expect({ name, status }).toEqual({ name, status: patch.includes(name) ? "patch" : "no-change" });
        expect([...patch, ...noChange]).toContain(name);
      }
    },
  );
});
