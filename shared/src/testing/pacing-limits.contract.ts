import { describe, expect, test } from "vitest";
import { githubLimits } from "../pacing/limits.ts";
import type { PacedRequest, PacedTurn } from "../ports/pacing.ts";
import { budget, hour, minute, type PacingUnderTest } from "./pacing-under-test.ts";
import {
  afterMs,
  aPullRequest,
  aRequest,
  crowd,
  isGo,
  makeRequest,
  mostWithin,
  mustTake,
  mustWait,
} from "./pacing-world.ts";

/** What holds for the limits that GitHub documents: so much in a time, so much at once. */
export function pacingLimitsContract({ pacing, client, clients, heard }: PacingUnderTest): void {
  describe("limits in time", () => {
    test.each<[string, PacedRequest, number, number, number]>([
      ["REST reads", aRequest(), 900, minute, 2],
      ["REST writes", aRequest({ kind: "write" }), 180, minute, 5],
      ["GraphQL mutations", aRequest({ resource: "graphql", kind: "write" }), 400, minute, 2],
      ["searches", aRequest({ resource: "search" }), 30, minute, 10],
      ["code searches", aRequest({ resource: "code_search" }), 9, minute, 10],
    ])("%s of eight clients never pass the limit, and use 98 % of it", async (_, request, limit, lengthMs, rounds) => {
      const made = await crowd({ pacings: await clients(8), installation: "1", request, toMs: rounds * lengthMs });
      expect(mostWithin(made, lengthMs)).toBe(limit);
      expect(made.length).toBeGreaterThanOrEqual(0.98 * limit * rounds);
    });

    test("new contents of eight clients pass neither the limit a minute nor the one an hour", async () => {
      const made = await crowd({
        pacings: await clients(8),
        installation: "1",
        request: aPullRequest,
        toMs: 2 * hour,
      });
      expect(mostWithin(made, minute)).toBeLessThanOrEqual(80);
      expect(mostWithin(made, hour)).toBe(500);
      expect(made.length).toBeGreaterThanOrEqual(0.98 * 500 * 2);
    });

    test("a request counts from when it was answered, since nobody knows when GitHub counted it", async () => {
      const request = aRequest({ resource: "code_search" });
      const slow = await mustTake(pacing(), "1", request, afterMs(0));
      await pacing().done(slow, {}, afterMs(9000));
      for (let made = 1; made < 9; made += 1) await makeRequest(pacing(), "1", request, afterMs(10_000));
      const { untilMs } = await mustWait(pacing(), "1", request, afterMs(11_000));
      expect(untilMs).toBeGreaterThan(9000 + minute);
      expect(untilMs).toBeLessThanOrEqual(9000 + minute + minute / 100);
      await mustTake(pacing(), "1", request, afterMs(untilMs));
    });

    test("whoever waits is told the first time at which asking succeeds", async () => {
      for (let made = 0; made < 80; made += 1) await makeRequest(pacing(), "1", aPullRequest, afterMs(100 * made));
      const { untilMs, because } = await mustWait(pacing(), "1", aPullRequest, afterMs(9000));
      expect(because).toContain("80 new contents a minute");
      await mustWait(pacing(), "1", aPullRequest, afterMs(untilMs - 1));
      await mustTake(pacing(), "1", aPullRequest, afterMs(untilMs));
    });

    test("a limit that is set lower counts what was used before", async () => {
      for (let made = 0; made < 40; made += 1) await makeRequest(pacing(), "1", aPullRequest, afterMs(made));
      const lower = await client(githubLimits({ contentPerMinute: 30 }));
      const { untilMs } = await mustWait(lower, "1", aPullRequest, afterMs(1000));
      expect(untilMs).toBeGreaterThan(minute);
      await mustTake(pacing(), "1", aPullRequest, afterMs(1000));
    });

    test("a clock that is behind makes no room", async () => {
      const request = aRequest({ resource: "code_search" });
      for (let made = 0; made < 9; made += 1) await makeRequest(pacing(), "1", request, afterMs(2000));
      const first = await mustWait(pacing(), "1", request, afterMs(-hour));
      expect(first.untilMs).toBeGreaterThan(2000 + minute);
    });
  });

  describe("requests under way", () => {
    test("are never more than may be at once, whoever asks", async () => {
      await heard();
      const crowded = await clients(8);
      const asked = Array.from({ length: 100 }, (_, index) => crowded[index % 8] ?? pacing());
      const answers = await Promise.all(asked.map((client) => client.take("1", aRequest(), afterMs(1))));
      const turns = answers.filter(isGo).map(({ turn }) => turn);
      expect(turns).toHaveLength(60);
      expect(new Set(turns.map(({ id }) => id)).size).toBe(60);
      const [first] = turns;
      if (first !== undefined) await pacing().done(first, {}, afterMs(2));
      await mustTake(pacing(), "1", aRequest(), afterMs(3));
      expect((await mustWait(pacing(), "1", aRequest(), afterMs(3))).because).toContain("under way");
    });

    test("create one content at a time", async () => {
      await heard();
      const turn = await mustTake(pacing(), "1", aPullRequest, afterMs(0));
      expect((await mustWait(pacing(), "1", aPullRequest, afterMs(10))).because).toContain("new contents at once");
      await mustTake(pacing(), "1", aRequest({ kind: "write", urgency: "publish" }), afterMs(10));
      await pacing().done(turn, {}, afterMs(20));
      await mustTake(pacing(), "1", aPullRequest, afterMs(2000));
    });

    test("count as lost when their lease ends, and still count within their minute", async () => {
      await heard();
      for (let taken = 0; taken < 60; taken += 1) await mustTake(pacing(), "1", aRequest(), afterMs(0));
      expect((await mustWait(pacing(), "1", aRequest(), afterMs(29_999))).because).toContain("requests at once");
      const later = afterMs(30_000);
      for (let taken = 0; taken < 60; taken += 1) await mustTake(pacing(), "1", aRequest(), later);
      await mustWait(pacing(), "1", aRequest(), later);
    });

    test("are given back once", async () => {
      await heard();
      const turns: PacedTurn[] = [];
      for (let taken = 0; taken < 60; taken += 1) turns.push(await mustTake(pacing(), "1", aRequest(), afterMs(0)));
      const [first] = turns;
      if (first === undefined) throw new Error("Sixty turns were taken.");
      await Promise.all([1, 2, 3].map(() => pacing().done(first, budget(4000), afterMs(5))));
      await mustTake(pacing(), "1", aRequest(), afterMs(6));
      expect((await mustWait(pacing(), "1", aRequest(), afterMs(6))).because).toContain("requests at once");
    });

    test("go one at a time until the first answer has told what remains", async () => {
      const turn = await mustTake(pacing(), "1", aRequest(), afterMs(0));
      const { untilMs, because } = await mustWait(pacing(), "1", aRequest(), afterMs(0));
      expect(because).toContain("next answer");
      await pacing().done(turn, budget(0), afterMs(100));
      expect((await mustWait(pacing(), "1", aRequest(), afterMs(untilMs))).untilMs).toBe(hour);
    });
  });
}
