import { describe, expect, test } from "vitest";
import { githubLimits } from "../pacing/limits.ts";
import type { PacedTurn } from "../ports/pacing.ts";
import { budget, hour, minute, type PacingUnderTest } from "./pacing-under-test.ts";
import { afterMs, aPullRequest, aRequest, isGo, makeRequest, mustTake, mustWait } from "./pacing-world.ts";

/** What holds for that which GitHub says in its answers: the primary budget, and to slow down. */
export function pacingWordsContract({ pacing, client, clients, heard }: PacingUnderTest): void {
  describe("the primary budget", () => {
    test("is learnt from answers, and nobody asks beyond it", async () => {
      await makeRequest(pacing(), "1", aRequest(), afterMs(0), budget(3));
      const other = await client(githubLimits());
      for (let remaining = 2; remaining >= 0; remaining -= 1) {
        await makeRequest(other, "1", aRequest(), afterMs(10), budget(remaining));
      }
      const { untilMs, because } = await mustWait(pacing(), "1", aRequest(), afterMs(20));
      expect(untilMs).toBe(hour);
      expect(because).toContain("REST budget");
      await mustTake(pacing(), "1", aRequest(), afterMs(untilMs));
    });

    test("counts what is under way, so many at once do not pass it", async () => {
      await makeRequest(pacing(), "1", aRequest(), afterMs(0), budget(5));
      const answers = await Promise.all((await clients(8)).map((client) => client.take("1", aRequest(), afterMs(1))));
      expect(answers.filter(isGo)).toHaveLength(5);
    });

    test("is what the latest answer told, whatever order answers come in", async () => {
      await heard();
      const early = await mustTake(pacing(), "1", aRequest(), afterMs(0));
      const late = await mustTake(pacing(), "1", aRequest(), afterMs(0));
      await pacing().done(late, budget(1), afterMs(5));
      await pacing().done(early, budget(2), afterMs(6));
      await mustTake(pacing(), "1", aRequest(), afterMs(7));
      expect((await mustWait(pacing(), "1", aRequest(), afterMs(7))).because).toContain("next answer");
    });

    test("may be lowered without notice, and begins again after its reset", async () => {
      await makeRequest(pacing(), "1", aRequest(), afterMs(0), budget(4000));
      await makeRequest(pacing(), "1", aRequest(), afterMs(5), budget(0));
      expect((await mustWait(pacing(), "1", aRequest(), afterMs(6))).untilMs).toBe(hour);
      await makeRequest(pacing(), "1", aRequest(), afterMs(hour), budget(4999, 2 * hour));
      await mustTake(pacing(), "1", aRequest(), afterMs(hour + 1));
    });

    test("runs out for sweeps first, then for a publication's reads and its writes, last for people", async () => {
      const asked = [
        aRequest({ urgency: "sweep" }),
        aRequest({ urgency: "publish" }),
        aRequest({ urgency: "publish", kind: "write" }),
        aRequest(),
      ];
      await heard();
      for (const [served, remaining] of [4000, 1000, 250, 100].entries()) {
        await makeRequest(pacing(), "1", aRequest(), afterMs(served), budget(remaining));
        const kinds: string[] = [];
        for (const request of asked) kinds.push((await pacing().take(`1`, request, afterMs(served))).kind);
        expect(kinds).toEqual(asked.map((_, index) => (index < served ? "wait" : "go")));
      }
    });

    test("is apart for each resource", async () => {
      await makeRequest(pacing(), "1", aRequest(), afterMs(0), budget(0));
      await mustWait(pacing(), "1", aRequest(), afterMs(1));
      for (const resource of ["graphql", "search", "code_search"] as const) {
        await makeRequest(pacing(), "1", aRequest({ resource, cost: 10 }), afterMs(1), budget(10, hour, resource));
      }
      await mustTake(pacing(), "1", aRequest({ resource: "graphql", cost: 10 }), afterMs(2));
      expect((await mustWait(pacing(), "1", aRequest({ resource: "search", cost: 11 }), afterMs(2))).untilMs).toBe(
        hour,
      );
    });

    test.each([-1, 0.5, Number.NaN])("takes no cost of %d", async (cost) => {
      await expect(pacing().take("1", aRequest({ cost }), afterMs(0))).rejects.toThrow(RangeError);
    });
  });

  describe("a cooldown", () => {
    test("stops everyone until the time that GitHub named, then lets one go ahead", async () => {
      await heard();
      const others = await clients(3);
      await makeRequest(pacing(), "1", aRequest(), afterMs(0), { slowDown: { until: afterMs(30_000) } });
      for (const other of others) {
        for (const resource of ["core", "graphql", "search"] as const) {
          const { untilMs, because } = await mustWait(other, "1", aRequest({ resource }), afterMs(29_999));
          expect({ untilMs, because }).toEqual({ untilMs: 30_000, because: expect.stringContaining("slow down") });
        }
      }
      const probe = await mustTake(pacing(), "1", aRequest(), afterMs(30_000));
      for (const other of others) await mustWait(other, "1", aRequest({ resource: "graphql" }), afterMs(30_001));
      await pacing().done(probe, {}, afterMs(30_100));
      for (const other of others) await mustTake(other, "1", aRequest(), afterMs(30_101));
    });

    test("lasts a minute where GitHub names no time, and twice as long each time it says so again", async () => {
      let atMs = 0;
      for (const lengthMs of [1, 2, 4, 8, 16, 32, 60, 60].map((minutes) => minutes * minute)) {
        await makeRequest(pacing(), "1", aRequest(), afterMs(atMs), { slowDown: {} });
        expect((await mustWait(pacing(), "1", aRequest(), afterMs(atMs + 1))).untilMs).toBe(atMs + lengthMs);
        atMs += lengthMs;
      }
      await makeRequest(pacing(), "1", aRequest(), afterMs(atMs + 2 * hour), { slowDown: {} });
      expect((await mustWait(pacing(), "1", aRequest(), afterMs(atMs + 2 * hour))).untilMs).toBe(
        atMs + 2 * hour + minute,
      );
    });

    test("is not made longer by refusals of requests that were under way when it began", async () => {
      await heard();
      const turns: PacedTurn[] = [];
      for (let taken = 0; taken < 10; taken += 1) turns.push(await mustTake(pacing(), "1", aRequest(), afterMs(0)));
      for (const [index, turn] of turns.entries()) await pacing().done(turn, { slowDown: {} }, afterMs(100 + index));
      expect((await mustWait(pacing(), "1", aRequest(), afterMs(200))).untilMs).toBe(100 + minute);
    });
  });

  describe("a limit that GitHub lowered without notice", () => {
    const refused = { slowDown: { until: afterMs(2 * minute) } };

    test("is learnt from the refusal: so much as was created goes on being created, and no more", async () => {
      for (let made = 0; made < 5; made += 1) await makeRequest(pacing(), "1", aPullRequest, afterMs(minute));
      await makeRequest(pacing(), "1", aPullRequest, afterMs(minute), refused);
      for (let made = 0; made < 5; made += 1) await makeRequest(pacing(), "1", aPullRequest, afterMs(3 * minute));
      expect((await mustWait(pacing(), "1", aPullRequest, afterMs(3 * minute))).untilMs).toBeGreaterThan(4 * minute);
    });

    test("is the hour's when nothing else was created within the minute", async () => {
      for (let made = 0; made < 3; made += 1) await makeRequest(pacing(), "1", aPullRequest, afterMs(0));
      await makeRequest(pacing(), "1", aPullRequest, afterMs(1.5 * minute), refused);
      expect((await mustWait(pacing(), "1", aPullRequest, afterMs(3 * minute))).untilMs).toBeGreaterThan(hour);
    });

    test("is tried again after an hour, and other requests are not held to it", async () => {
      await makeRequest(pacing(), "1", aPullRequest, afterMs(minute));
      await makeRequest(pacing(), "1", aPullRequest, afterMs(minute), refused);
      await makeRequest(pacing(), "1", aPullRequest, afterMs(3 * minute));
      expect((await mustWait(pacing(), "1", aPullRequest, afterMs(3 * minute))).because).toContain(
        "new contents a minute",
      );
      for (let made = 0; made < 9; made += 1) await makeRequest(pacing(), "1", aRequest(), afterMs(3 * minute));
      for (let made = 0; made < 9; made += 1) await makeRequest(pacing(), "1", aPullRequest, afterMs(hour + minute));
    });
  });
}
