import { describe, expect, test } from "vitest";
import { githubLimits, limitsOff } from "../pacing/limits.ts";
import { pacingBookingsContract } from "./pacing-bookings.contract.ts";
import { pacingLimitsContract } from "./pacing-limits.contract.ts";
import { pacingOrderContract } from "./pacing-order.contract.ts";
import { budget, hour, pacingUnderTest, type OpenPacing } from "./pacing-under-test.ts";
import { pacingWordsContract } from "./pacing-words.contract.ts";
import { afterMs, aPullRequest, aRequest, makeRequest, mustTake, mustWait } from "./pacing-world.ts";

/** What every Pacing promises. `open` answers a new, empty budget. */
export function pacingContract(name: string, open: () => Promise<OpenPacing>): void {
  describe(name, () => {
    const under = pacingUnderTest(open);
    const { pacing, client } = under;
    pacingLimitsContract(under);
    pacingWordsContract(under);
    pacingOrderContract(under);
    pacingBookingsContract(under);

    test("installations do not influence each other", async () => {
      await makeRequest(pacing(), "1", aRequest(), afterMs(0), { ...budget(0), slowDown: {} });
      await makeRequest(pacing(), "2", aRequest(), afterMs(0), budget(4999));
      expect((await mustWait(pacing(), "1", aRequest(), afterMs(1))).untilMs).toBe(hour);
      await mustTake(pacing(), "2", aRequest(), afterMs(1));
    });

    test("limits that are off leave what the server says all the same", async () => {
      const free = await client(limitsOff());
      for (let made = 0; made < 1000; made += 1) await makeRequest(free, "1", aPullRequest, afterMs(0));
      await makeRequest(free, "1", aRequest(), afterMs(1), { slowDown: { until: afterMs(500) } });
      await mustWait(free, "1", aRequest(), afterMs(2));
      await makeRequest(free, "1", aRequest(), afterMs(500), budget(0));
      expect((await mustWait(free, "1", aRequest(), afterMs(501))).untilMs).toBe(hour);
    });

    test("a process that is alone ends the turns of one that died, and what they used stays counted", async () => {
      await makeRequest(pacing(), "1", aRequest(), afterMs(0), budget(4000));
      await mustTake(pacing(), "1", aPullRequest, afterMs(1));
      const late = await mustTake(pacing(), "2", aRequest({ resource: "graphql", cost: 3 }), afterMs(1));
      await mustWait(pacing(), "1", aPullRequest, afterMs(2));
      await mustWait(pacing(), "2", aRequest({ resource: "graphql" }), afterMs(2));
      const next = await client(githubLimits({ contentPerMinute: 2 }));
      await next.loseAllTurns(afterMs(3));
      await next.loseAllTurns(afterMs(3));
      await makeRequest(next, "1", aPullRequest, afterMs(4), budget(3998));
      await makeRequest(next, "2", aRequest({ resource: "graphql" }), afterMs(4));
      expect((await mustWait(next, "1", aPullRequest, afterMs(5))).because).toContain("2 new contents a minute");
      await next.done(late, {}, afterMs(6));
    });

    test("ending turns where nobody made a request does nothing", async () => {
      await pacing().loseAllTurns(afterMs(0));
      expect(await mustTake(pacing(), "1", aRequest(), afterMs(1))).toMatchObject({ installation: "1" });
    });

    test("answers a check", async () => {
      await expect(pacing().check()).resolves.toBeUndefined();
    });
  });
}
