import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exitCodes } from "./exit-codes.ts";
import { openApiWorld, openState, type ApiWorld } from "./testing/api-world.ts";
import { aPatch, aSpec, makePreviewed, runAgainst } from "./testing/command-line.ts";
import type { createTestIo } from "./testing/test-io.ts";

let world: ApiWorld;

beforeAll(async () => {
  world = await openApiWorld();
});

afterAll(() => world.close());

function octobatch(commandLine: string, options: Parameters<typeof createTestIo>[0] = {}) {
  return runAgainst(world, commandLine, options);
}

describe("preview", () => {
  test("waits for the run at growing intervals and sums it up", async () => {
    await octobatch("apply -", { stdin: aSpec("waits") });
    const { code, out, err, slept } = await octobatch("preview waits", {
      async meanwhile(sleeps) {
        if (sleeps === 3)
          await world.finish("waits", [
            { name: "a", patch: aPatch },
            { name: "b", failed: "it timed out" },
          ]);
      },
    });
    expect(slept).toEqual([...slept].sort((one, other) => one - other));
    expect(slept).toHaveLength(3);
    expect(err).toBe(
      "Run 1: 0 of 0 done (selecting: 0 repositories seen so far), 0 running, 0 with a patch, 0 failed\n",
    );
    expect(out).toContain("1 with a patch, 0 without a change, 1 failed, 0 excluded");
    expect(out).toContain("acme/b: it timed out");
    expect(code).toBe(exitCodes.ok);
  });

  test("prints one document, and ends with 6 when repositories failed and it was asked to", async () => {
    await octobatch("apply -", { stdin: aSpec("strict") });
    const { code, out, err } = await octobatch("preview strict --json --fail-on-error", {
      meanwhile: () => world.finish("strict", [{ name: "b", failed: "it timed out" }]),
    });
    expect(code).toBe(exitCodes.someFailed);
    expect(JSON.parse(out)).toMatchObject({
      started: true,
      run: { finished: true, progress: { failed: 1 } },
      standings: { "execution-failed": 1 },
      failed: [{ fullName: "acme/b", because: "it timed out" }],
    });
    expect(err).toBe("");
  });

  test("stops waiting after --timeout, and joins the run the next time", async () => {
    await octobatch("apply -", { stdin: aSpec("slow") });
    const late = await octobatch("preview slow --timeout 5s");
    expect(late.code).toBe(exitCodes.timedOut);
    expect(late.slept.reduce((sum, ms) => sum + ms)).toBe(5000);
    const { out } = await octobatch("preview slow --no-wait");
    expect(out).toBe("Run 1 of slow (spec version 1) was under way already.\n");
  });

  test("says what to do when the campaign is paused meanwhile", async () => {
    await octobatch("apply -", { stdin: aSpec("halted") });
    const { code, err } = await octobatch("preview halted", {
      meanwhile: async () => void (await octobatch("pause halted")),
    });
    expect(code).toBe(exitCodes.conflict);
    expect(err).toContain("octobatch resume halted");
  });
});

describe("publish", () => {
  test("waits until nothing moves, and says why the rest waits", async () => {
    await makePreviewed(world, "publishes");
    const { code, out } = await octobatch("publish publishes", {
      meanwhile: () =>
        world.moveChangesets("publishes", (name) => (name === "changed" ? openState(name, 7) : { status: "ready" })),
    });
    expect(out).toContain("publishes: 1 open, 1 ready, 1 no-change, 1 excluded, 1 execution-failed");
    expect(out).toContain("Waiting; it goes on by itself:\n  1: it belongs to acme");
    expect(code).toBe(exitCodes.ok);
  });

  test("lists what was refused with its reason", async () => {
    await makePreviewed(world, "refused");
    const refuse = () =>
      world.moveChangesets("refused", () => ({ status: "failed", because: "the branch is protected" }));
    const { code, out } = await octobatch("publish refused --fail-on-error --json", { meanwhile: refuse });
    expect(code).toBe(exitCodes.someFailed);
    expect(JSON.parse(out)).toMatchObject({
      asked: 2,
      waiting: [],
      failed: [{ because: "the branch is protected" }, { because: "the branch is protected" }],
    });
  });

  test("names the pull requests that it leaves open, since the newest preview did not come across them", async () => {
    await octobatch("apply -", { stdin: aSpec("gaps") });
    await octobatch("preview gaps --no-wait");
    await world.finish("gaps", [{ name: "changed", patch: aPatch }]);
    await world.moveChangesets("gaps", (name) => openState(name, 7));
    await octobatch("preview gaps --no-wait");
    await world.finish("gaps", []);
    const { out } = await octobatch("publish gaps --no-wait");
    expect(out).toBe(
      "Asked for 0 pull requests, 1 left open (the newest preview did not come across: acme/changed) of gaps.\n",
    );
  });

  test("says what is to be closed, since nothing selects it any more, and waits for that too", async () => {
    await octobatch("apply -", { stdin: aSpec("closes") });
    await octobatch("preview closes --no-wait");
    await world.finish("closes", [{ name: "changed", patch: aPatch }]);
    await world.moveChangesets("closes", (name) => openState(name, 7));
    await octobatch("preview closes --no-wait");
    await world.finish("closes", [{ name: "changed", excluded: "excluded: archived" }]);
    const asked = await octobatch("publish closes --no-wait");
    expect(asked.out).toBe("Asked for 0 pull requests, 1 to be closed (no longer selected) of closes.\n");
    expect((await octobatch("status closes --standing closing")).out).toMatch(
      /^acme\/changed +closing +https:\/\/github\.test\/acme\/changed\/pull\/7 +no longer selected: excluded: archived$/mu,
    );
    const retire = () => world.moveChangesets("closes", () => ({ status: "withdrawn", because: "no longer selected" }));
    const { out } = await octobatch("publish closes", { meanwhile: retire });
    expect(out).toContain("closes: 1 excluded\n");
  });

  test("is refused before a preview, with the remedy", async () => {
    await octobatch("apply -", { stdin: aSpec("early") });
    const { code, err } = await octobatch("publish early");
    expect(code).toBe(exitCodes.conflict);
    expect(err).toContain("octobatch preview early");
  });
});
