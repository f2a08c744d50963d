import { expect, test } from "vitest";
import { createSlots } from "./slots.ts";

test("who comes when all places are taken waits in order, and gets the place that was given back", async () => {
  const slots = createSlots(2);
  expect([await slots.take(), await slots.take()]).toEqual([0, 1]);
  const waiting = [slots.take(), slots.take()];
  slots.give(1);
  slots.give(0);
  expect(await Promise.all(waiting)).toEqual([1, 0]);
});
