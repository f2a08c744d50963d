import { describe, expect, it } from "vitest";
import { createVirtualClock, waitOn } from "./virtual-clock.ts";

describe("the virtual clock", () => {
  it("stands still until it is moved, and wakes in the order of the times", async () => {
    const clock = createVirtualClock(new Date("2026-01-01T00:00:00Z"));
    const woken: string[] = [];
    const waits = [
      clock.after(2_000).then(() => woken.push("second")),
      waitOn(clock, 1_000).then(() => woken.push("first")),
    ];
    expect(clock.nextWakeAt()).toEqual(new Date("2026-01-01T00:00:01Z"));
    clock.advance(2_000);
    await Promise.all(waits);
    expect(woken).toEqual(["first", "second"]);
    expect([clock.now(), clock.nextWakeAt()]).toEqual([new Date("2026-01-01T00:00:02Z"), undefined]);
  });

  it("refuses to advance backward, and may be set back", () => {
    const clock = createVirtualClock();
    expect(() => clock.advance(-1)).toThrow(RangeError);
    expect(() => clock.set(new Date(Number.NaN))).toThrow(RangeError);
    clock.set(new Date(0));
    expect(clock.now()).toEqual(new Date(0));
  });
});
