import { describe, expect, test } from "vitest";
import { githubLimits } from "../pacing/limits.ts";
import type { Pacing } from "../ports/pacing.ts";
import { budget, hour, minute, type PacingUnderTest } from "./pacing-under-test.ts";
import { afterMs, aPullRequest, aRequest, makeRequest, mustTake, mustWait, pacingStart } from "./pacing-world.ts";

const errand = { reads: 1, writes: 4, contents: 1 };

/** What holds for appointments: of many who wait, each comes back when there is room for it. */
export function pacingBookingsContract({ pacing, client, heard }: PacingUnderTest): void {
  async function book(atMs: number, asked: Pacing = pacing(), wanted = errand) {
    const appointment = await asked.book("1", wanted, afterMs(atMs));
    if (appointment.kind === "go") return { untilMs: atMs, because: "" };
    return { untilMs: appointment.until.getTime() - pacingStart.getTime(), because: appointment.because };
  }

  describe("appointments", () => {
    test("are not needed while there is room, and take none of it", async () => {
      for (let asked = 0; asked < 200; asked += 1) expect((await book(0)).untilMs).toBe(0);
      await mustTake(pacing(), "1", aPullRequest, afterMs(0));
    });

    test("are at different times, as far apart as the room is, and kept by whoever comes", async () => {
      const few = await client(githubLimits({ contentPerMinute: 4 }));
      for (let made = 0; made < 4; made += 1) await makeRequest(few, "1", aPullRequest, afterMs(10_000 * made));
      const untils: number[] = [];
      for (let asked = 0; asked < 12; asked += 1) untils.push((await book(31_000, few)).untilMs);
      expect(new Set(untils).size).toBe(12);
      expect(untils).toEqual(untils.toSorted((a, b) => a - b));
      for (const [index, untilMs] of untils.entries()) {
        expect(untilMs).toBeGreaterThan((untils[index - 4] ?? untilMs - 2 * minute) + minute);
        expect((await book(untilMs, few)).untilMs).toBe(untilMs);
        await makeRequest(few, "1", aPullRequest, afterMs(untilMs));
      }
    });

    test("look at the points of all requests together", async () => {
      for (let made = 0; made < 178; made += 1)
        await makeRequest(pacing(), "1", aRequest({ kind: "write" }), afterMs(0));
      const { untilMs, because } = await book(1);
      expect(untilMs).toBeGreaterThan(minute);
      expect(because).toContain("900 REST points a minute");
      expect((await book(1, pacing(), { reads: 2, writes: 1, contents: 0 })).untilMs).toBe(1);
    });

    test("wait out a cooldown and a spent budget", async () => {
      await makeRequest(pacing(), "1", aRequest(), afterMs(0), { slowDown: { until: afterMs(9000) } });
      expect(await book(1)).toEqual({ untilMs: 9000, because: "GitHub asked this installation to slow down" });
      await makeRequest(pacing(), "1", aRequest(), afterMs(9000), budget(100));
      expect(await book(9001)).toMatchObject({ untilMs: hour, because: expect.stringContaining("REST budget") });
    });

    test("are made for five minutes ahead: whoever would wait for longer asks again then", async () => {
      const one = await client(githubLimits({ contentPerMinute: 1 }));
      await makeRequest(one, "1", aPullRequest, afterMs(0));
      const untils: number[] = [];
      for (let asked = 0; asked < 10; asked += 1) untils.push((await book(1, one)).untilMs);
      expect(untils.slice(4)).toEqual([4, 5, 6, 7, 8, 9].map(() => 1 + 5 * minute));
      expect(new Set(untils).size).toBe(5);
    });

    test("are not made for a time before which nobody can have room", async () => {
      const few = await client(githubLimits({ contentPerHour: 3 }));
      for (let made = 0; made < 3; made += 1) await makeRequest(few, "1", aPullRequest, afterMs(1000 * made));
      const first = await book(500_001, few);
      expect(first.untilMs).toBeGreaterThan(hour);
      expect(first.untilMs).toBeLessThanOrEqual(hour + 3000);
      expect((await book(500_002, few)).untilMs).toBe(first.untilMs);
    });

    test("of those who never come are forgotten", async () => {
      const one = await client(githubLimits({ contentPerMinute: 1 }));
      await makeRequest(one, "1", aPullRequest, afterMs(0));
      for (let asked = 0; asked < 10; asked += 1) await book(1, one);
      expect((await book(6 * minute, one)).untilMs).toBe(6 * minute);
    });

    test("do not keep anybody from a turn", async () => {
      await heard();
      const one = await client(githubLimits({ contentPerMinute: 1 }));
      await makeRequest(one, "1", aPullRequest, afterMs(0));
      await book(1, one);
      const { untilMs } = await mustWait(one, "1", aPullRequest, afterMs(2));
      expect(await mustTake(one, "1", aPullRequest, afterMs(untilMs))).toMatchObject({ installation: "1" });
    });

    test.each([-1, 0.5, Number.NaN])("are not for %d requests", async (reads) => {
      await expect(pacing().book("1", { ...errand, reads }, afterMs(0))).rejects.toThrow(RangeError);
    });
  });
}
