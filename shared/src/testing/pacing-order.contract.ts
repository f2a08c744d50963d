import { describe, expect, test } from "vitest";

import type { PacedRequest } from "../ports/pacing.ts";
import { minute, type PacingUnderTest } from "./pacing-under-test.ts";
import { afterMs, aRequest, crowd, isGo, makeRequest, mustWait } from "./pacing-world.ts";

/** What holds for those who wait: who comes first, and that all come in the end. */
export function pacingOrderContract({ pacing, clients, heard }: PacingUnderTest): void {
  describe("those who wait", () => {
    const search = (urgency: PacedRequest["urgency"]) => aRequest({ resource: "search", urgency });
    /** All searches of a minute, one each two seconds, so that afterwards a place comes free each two seconds. */
    async function fill() {
      for (let made = 0; made < 30; made += 1) await makeRequest(pacing(), "1", search("sweep"), afterMs(2000 * made));
    }

    test("all have their turn, as many as wait", async () => {
      const made = await Promise.all(
        (await clients(8)).map((client) =>
          crowd({ pacings: [client], installation: "1", request: search("publish"), toMs: 5 * minute }),
        ),
      );
      for (const one of made) expect(one.length).toBeGreaterThan(0);
    });

    test("give way to a person who waits, until that one has come or is late", async () => {
      await fill();
      const { untilMs } = await mustWait(pacing(), "1", search("interactive"), afterMs(59_000));
      expect((await mustWait(pacing(), "1", search("publish"), afterMs(untilMs))).because).toContain("come first");
      await mustWait(pacing(), "1", search("sweep"), afterMs(untilMs));
      await makeRequest(pacing(), "1", search("interactive"), afterMs(untilMs));
      const next = await mustWait(pacing(), "1", search("interactive"), afterMs(untilMs + 1));
      const late = await mustWait(pacing(), "1", search("publish"), afterMs(next.untilMs));
      await makeRequest(pacing(), "1", search("publish"), afterMs(late.untilMs));
    });

    test("publish in the end, however many people keep asking", async () => {
      await fill();
      const published: number[] = [];
      let people = 0;
      const untils = { interactive: 59_000, publish: 59_000 };
      for (let atMs = 59_000; atMs < 10 * minute; atMs = Math.min(untils.interactive, untils.publish)) {
        for (const urgency of ["interactive", "publish"] as const) {
          if (untils[urgency] > atMs) continue;
          const answer = await pacing().take("1", search(urgency), afterMs(atMs));
          if (!isGo(answer)) untils[urgency] = answer.until.getTime() - afterMs(0).getTime();
          else {
            await pacing().done(answer.turn, {}, afterMs(atMs));
            if (urgency === "publish") published.push(atMs);
            else people += 1;
          }
        }
      }
      expect(published.length).toBeGreaterThan(30);
      expect(people).toBeGreaterThan(2 * published.length);
    });

    test("leave the last fifth of the points to others when they sweep", async () => {
      await heard();
      const sweep = aRequest({ urgency: "sweep" });
      for (let made = 1; made < 720; made += 1) await makeRequest(pacing(), "1", sweep, afterMs(0));
      expect((await mustWait(pacing(), "1", sweep, afterMs(1))).because).toContain("kept for what is more urgent");
      await makeRequest(pacing(), "1", aRequest({ urgency: "publish", kind: "write" }), afterMs(1));
      await makeRequest(pacing(), "1", aRequest(), afterMs(1));
    });
  });
}
