import { expect, test } from "vitest";
import { Rejected } from "#shared/errors.ts";
import { aCampaign } from "#shared/testing/builders.ts";
import { assertAlive, steer, type CampaignState } from "./campaign.ts";

const campaign = (status: CampaignState["status"]) => aCampaign({ state: { status } });

test.each([
  ["active", "paused", "paused"],
  ["active", "killed", "killed"],
  ["paused", "resumed", "active"],
  ["paused", "killed", "killed"],
] as const)("one that is %s and is %s becomes %s", (before, fact, after) => {
  expect(steer(campaign(before), { fact })).toEqual(campaign(after));
});

test.each([
  ["active", "resumed"],
  ["paused", "paused"],
  ["killed", "killed"],
] as const)("one that is %s and is %s stays the very same", (before, fact) => {
  const same = campaign(before);
  expect(steer(same, { fact })).toBe(same);
});

test("one that was killed is neither paused nor resumed, and says how to go on", () => {
  for (const fact of ["paused", "resumed"] as const) {
    expect(() => steer(campaign("killed"), { fact })).toThrow(Rejected);
    expect(() => steer(campaign("killed"), { fact })).toThrow(/tidy was killed.*another name/);
  }
});

test("only one that was killed is not alive", () => {
  expect(() => assertAlive(campaign("killed"))).toThrow(Rejected);
  expect(() => assertAlive(campaign("active"))).not.toThrow();
  expect(() => assertAlive(campaign("paused"))).not.toThrow();
});
