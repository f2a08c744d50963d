import { expect, test } from "vitest";
import { durationMs } from "./iso-duration.ts";

test.each([
  ["PT0S", 0],
  ["PT0.2S", 200],
  ["PT0,5S", 500],
  ["PT1M30S", 90_000],
  ["PT2H", 7_200_000],
  ["P1D", 86_400_000],
  ["P1DT1S", 86_401_000],
  ["P2W", 1_209_600_000],
])("reads %s as %i ms", (text, expected) => {
  expect(durationMs(text)).toBe(expected);
});

test.each(["", "P", "PT", "P1DT", "5s", "PT5", "P1Y", "P1M", "-PT1S", "PT1S ", "pt1s"])("refuses %j", (text) => {
  expect(durationMs(text)).toBeUndefined();
});
