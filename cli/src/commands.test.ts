import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exitCodes } from "./exit-codes.ts";
import { openApiWorld, type ApiWorld } from "./testing/api-world.ts";
import { aPatch, aSpec, makePreviewed, runAgainst } from "./testing/command-line.ts";
import type { createTestIo } from "./testing/test-io.ts";

let world: ApiWorld;
let cwd: string;

beforeAll(async () => {
  world = await openApiWorld();
  cwd = await mkdtemp(join(tmpdir(), "octobatch-cli-"));
});

afterAll(async () => {
  await world.close();
  await rm(cwd, { recursive: true });
});

function octobatch(commandLine: string, options: Parameters<typeof createTestIo>[0] = {}) {
  return runAgainst(world, commandLine, { cwd, ...options });
}

describe("apply", () => {
  test("stores a spec from a file, and says what comes next", async () => {
    await writeFile(join(cwd, "campaign.yaml"), aSpec("from-file"));
    const { code, out } = await octobatch("apply campaign.yaml");
    expect(out).toBe("Campaign from-file is at spec version 1 now. Next: octobatch preview from-file\n");
    expect(code).toBe(exitCodes.ok);
    const again = await octobatch("apply campaign.yaml --json");
    expect(JSON.parse(again.out)).toMatchObject({ campaign: "from-file", specVersion: 1, changed: false });
  });

  test("prints each problem of a spec with its place, alone on its line", async () => {
    const { code, out, err } = await octobatch("apply -", { stdin: aSpec("x").replace("image:", "imagee:") });
    expect(code).toBe(exitCodes.invalidSpec);
    expect(out).toBe("");
    expect(err).toMatch(/^<stdin>:8:5 steps\[0\].*imagee.*$/mu);
    const json = await octobatch("apply - --json", { stdin: "version: 1" });
    expect(JSON.parse(json.err)).toMatchObject({ error: { code: "invalid-spec", problems: expect.any(Array) } });
  });

  test("refuses what is too large, no text, or not there before the service is asked", async () => {
    const large = await octobatch("apply -", { stdin: "#".repeat(1024 * 1024 + 1) });
    expect([large.code, large.err]).toEqual([exitCodes.usage, expect.stringContaining("larger than 1048576 bytes")]);
    const bytes = await octobatch("apply -", { stdin: Uint8Array.of(0xff, 0xfe) });
    expect([bytes.code, bytes.err]).toEqual([exitCodes.usage, expect.stringContaining("no UTF-8 text")]);
    const missing = await octobatch("apply missing.yaml");
    expect([missing.code, missing.err]).toEqual([exitCodes.usage, expect.stringContaining("there is no such file")]);
    const folder = await octobatch("apply .");
    expect([folder.code, folder.err]).toEqual([exitCodes.usage, expect.stringContaining("it is a folder")]);
  });
});

describe("status, logs and diff", () => {
  beforeAll(() => makePreviewed(world, "shown"));

  test("status leaves out what nobody has to look at, unless asked", async () => {
    const { out } = await octobatch("status shown");
    expect(out).toContain("2 unpublished, 1 no-change, 1 excluded, 1 execution-failed");
    expect(out).toMatch(/^acme\/broken +execution-failed +step 1 ended with exit code 1$/mu);
    expect(out).not.toContain("acme/old");
    expect(out).toContain("2 repositories more: octobatch status shown --all");
    expect((await octobatch("status shown --all")).out).toMatch(/^acme\/old +excluded +it is archived$/mu);
    const only = JSON.parse((await octobatch("status shown --standing no-change --json")).out);
    expect(only).toMatchObject({ campaign: { name: "shown" }, repositories: [{ fullName: "acme/same" }] });
  });

  test("status of a standing that does not exist is a mistake of usage", async () => {
    const { code, err } = await octobatch("status shown --standing opened");
    expect([code, err]).toEqual([exitCodes.usage, expect.stringContaining("Allowed choices are merged, open")]);
  });

  test("logs are passed on as they are, but a terminal does not obey them", async () => {
    expect((await octobatch("logs shown acme/changed")).out).toBe(
      "== step 1 (codemod), ran, exit code 0, 1.2 s\nhello\n\u001b[31mred\u001b[0m\n",
    );
    const { out } = await octobatch("logs shown acme/changed --no-color", { terminal: true });
    expect(out).toContain("hello\n␛[31mred␛[0m\n");
  });

  test("a step that printed nothing says so", async () => {
    expect((await octobatch("logs shown acme/same")).out).toBe(
      "== step 1 (codemod), ran, exit code 0, 1.2 s, printed nothing\n",
    );
  });

  test("logs end with why a repository failed", async () => {
    expect((await octobatch("logs shown acme/broken")).out).toContain("== failed: step 1 ended with exit code 1\n");
  });

  test("a diff is the patch byte for byte, or coloured on a terminal", async () => {
    expect((await octobatch("diff shown acme/changed")).out).toBe(aPatch);
    expect((await octobatch("diff shown acme/changed", { terminal: true })).out).toContain("\u001b[32m+new\u001b[39m");
    expect((await octobatch("diff shown acme/same", { terminal: true })).out).toBe("acme/same: no change\n");
  });

  test("all diffs come one after the other, each under its repository", async () => {
    const { out } = await octobatch("diff shown");
    expect(out).toBe(`# acme/also-changed (1 files, +1 -1)\n${aPatch}# acme/changed (1 files, +1 -1)\n${aPatch}`);
    expect(JSON.parse((await octobatch("diff shown --json")).out)).toEqual({
      campaign: "shown",
      diffs: [
        { repository: "acme/also-changed", diff: aPatch },
        { repository: "acme/changed", diff: aPatch },
      ],
    });
  });

  test("a repository that is not in the campaign is not found", async () => {
    for (const command of ["diff shown acme/none", "logs shown acme/none", "status none"]) {
      expect((await octobatch(command)).code).toBe(exitCodes.notFound);
    }
  });
});

describe("a repository that is divided", () => {
  beforeAll(async () => {
    await octobatch("apply -", { stdin: aSpec("divided") });
    await octobatch("preview divided --no-wait");
    await world.finish("divided", [
      { name: "mono", workspace: "packages/a", patch: aPatch },
      { name: "mono", workspace: "packages/b", failed: "step 1 ended with exit code 1", log: "b\n" },
      { name: "web", patch: aPatch },
    ]);
  });

  test("has a line for each workspace", async () => {
    const { out } = await octobatch("status divided");
    expect(out).toMatch(/^acme\/mono packages\/a +unpublished/mu);
    expect(out).toMatch(/^acme\/mono packages\/b +execution-failed/mu);
  });

  test("has logs and a diff of each, which has to be named", async () => {
    const { code, err } = await octobatch("diff divided acme/mono");
    expect([code, err]).toEqual([exitCodes.refused, expect.stringContaining("Say which one: packages/a, packages/b.")]);
    expect((await octobatch("diff divided acme/mono --workspace packages/a")).out).toBe(aPatch);
    expect((await octobatch("logs divided acme/mono --workspace packages/b")).out).toContain("== failed: step 1");
    const none = await octobatch("logs divided acme/mono --workspace packages/c");
    expect([none.code, none.err]).toEqual([exitCodes.notFound, expect.stringContaining("It has packages/a")]);
    expect((await octobatch("diff divided acme/web --workspace .")).out).toBe(aPatch);
  });

  test("has its diffs among all of them, each under its workspace", async () => {
    const { out } = await octobatch("diff divided");
    expect(out).toBe(`# acme/mono packages/a (1 files, +1 -1)\n${aPatch}# acme/web (1 files, +1 -1)\n${aPatch}`);
    expect(JSON.parse((await octobatch("diff divided --json")).out)).toMatchObject({
      diffs: [{ repository: "acme/mono", workspace: "packages/a" }, { repository: "acme/web" }],
    });
  });

  test("cannot be meant without being named", async () => {
    const { code, err } = await octobatch("diff divided --workspace packages/a");
    expect([code, err]).toEqual([exitCodes.usage, expect.stringContaining("there is no repository")]);
  });
});

describe("pause, resume and kill", () => {
  test("pause and resume say what holds now", async () => {
    await octobatch("apply -", { stdin: aSpec("steered") });
    expect((await octobatch("pause steered")).out).toContain("octobatch resume steered");
    expect(JSON.parse((await octobatch("resume steered --json")).out)).toMatchObject({ status: "active" });
  });

  test("kill asks on a terminal, and only a yes goes on", async () => {
    await octobatch("apply -", { stdin: aSpec("doomed") });
    const no = await octobatch("kill doomed", { answer: "" });
    expect([no.code, no.err]).toEqual([exitCodes.refused, expect.stringContaining("was left as it is")]);
    const yes = await octobatch("kill doomed", { answer: "y" });
    expect([yes.code, yes.out]).toEqual([exitCodes.ok, expect.stringContaining("doomed is killed")]);
    expect((await octobatch("resume doomed")).code).toBe(exitCodes.conflict);
  });

  test("kill needs --yes where nobody can answer", async () => {
    await octobatch("apply -", { stdin: aSpec("spared") });
    const { code, err } = await octobatch("kill spared");
    expect([code, err]).toEqual([exitCodes.usage, expect.stringContaining("--yes")]);
    expect((await octobatch("kill spared --yes")).code).toBe(exitCodes.ok);
  });
});

describe("campaigns and audit", () => {
  test("campaigns lists them", async () => {
    await octobatch("apply -", { stdin: aSpec("listed") });
    expect((await octobatch("campaigns")).out).toMatch(/^listed +active +1 +2026-03-04T05:06:07.000Z$/mu);
  });

  test("audit list shows who did what in a campaign", async () => {
    await octobatch("apply -", { stdin: aSpec("audited") });
    await octobatch("pause audited");
    const { entries } = JSON.parse((await octobatch("audit list --campaign audited --json")).out);
    expect(entries.map(({ actor, action }: Record<string, string>) => `${actor} ${action}`)).toEqual([
      "ada campaign.applied",
      "ada campaign.paused",
    ]);
    expect((await octobatch("audit list --campaign audited --limit 1")).out).toContain("campaign.applied");
    expect((await octobatch("audit list --after 999999")).out).toBe("There are no such entries.\n");
  });

  test("audit verify ends with 7 when an entry was changed", async () => {
    const own = await openApiWorld();
    const io = { env: own.env, fetch: own.fetch };
    await octobatch("apply -", { ...io, stdin: aSpec("tampered") });
    const intact = await octobatch("audit verify", io);
    expect([intact.code, intact.out]).toEqual([exitCodes.ok, expect.stringContaining("intact: 1 entries")]);
    await own.tamperWithAudit();
    const broken = await octobatch("audit verify", io);
    expect([broken.code, broken.out]).toEqual([exitCodes.auditBroken, expect.stringContaining("broken at entry 1")]);
    await own.close();
  });
});

test("an unknown token is told apart from an unreachable server", async () => {
  const { code, err } = await octobatch("campaigns --token wrong");
  expect([code, err]).toEqual([exitCodes.denied, expect.stringContaining("OCTOBATCH_TOKEN")]);
});
