import { expect, test } from "vitest";
import { createManualClock } from "./manual-clock.ts";

const start = new Date("2026-01-31T12:00:00.000Z");

test("stands still until it is moved", () => {
  const clock = createManualClock(start);
  expect(clock.now()).toEqual(clock.now());
  clock.advance(1_500);
  expect(clock.now()).toEqual(new Date("2026-01-31T12:00:01.500Z"));
  clock.set(new Date("2026-01-01T00:00:00.000Z"));
  expect(clock.now()).toEqual(new Date("2026-01-01T00:00:00.000Z"));
});

test("cannot be moved through a date that it handed out", () => {
  const clock = createManualClock(start);
  clock.now().setFullYear(1999);
  expect(clock.now()).toEqual(start);
});

test("refuses what is not an instant", () => {
  const clock = createManualClock(start);
  expect(() => createManualClock(new Date("yesterday"))).toThrow(RangeError);
  expect(() => clock.advance(-1)).toThrow(RangeError);
  expect(() => clock.advance(Number.NaN)).toThrow(RangeError);
  expect(() => clock.set(new Date(Number.NaN))).toThrow(RangeError);
  expect(clock.now()).toEqual(start);
});
