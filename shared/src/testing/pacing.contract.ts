import { describe, expect, test } from "vitest";
import { limitsOff } from "../pacing/limits.ts";
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

    test("answers a check", async () => {
      await expect(pacing().check()).resolves.toBeUndefined();
    });
  });
}
