import { expect, test } from "vitest";
import { hashOf } from "./hash.ts";

test("the same parts have the same hash, in hex", () => {
  expect(hashOf("a", 1)).toBe(hashOf("a", "1"));
  expect(hashOf("a")).toMatch(/^[0-9a-f]{64}$/);
});

test("parts never run together", () => {
  const lists = [["ab"], ["a", "b"], ["a", "", "b"], ["", "ab"], ["a;1:b"], ["b", "a"], [], ["é"], ["e\u0301"]];
  expect(new Set(lists.map((parts) => hashOf(...parts))).size).toBe(lists.length);
});
