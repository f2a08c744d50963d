import { describe, expect, test } from "vitest";
import { cuttable, sliceQuery } from "./search-query.ts";
import {
  following,
  maxSearchHits,
  partsOf,
  planSearchSlices,
  type SearchBounds,
  type SearchSlice,
} from "./search-slices.ts";

const today = "2026-11-21";

/** Cuts along a path of parts: those that `choose` picks are cut again until nothing is left to cut. */
function leaves(slice: SearchSlice, choose: (parts: readonly SearchSlice[]) => SearchSlice): readonly SearchSlice[] {
  const parts = partsOf(slice, { created: {} }, today);
  if (!parts) return [slice];
  const chosen = choose(parts);
  return parts.flatMap((part) => (part === chosen ? leaves(part, choose) : [part]));
}

/** Where a slice begins; undefined after the last. */
const beginning = (slice: SearchSlice | undefined) => slice && [slice.created.from, slice.size?.from ?? 0];

/** Each slice begins right where the one before it ended: then they hold everything, each thing once. */
function expectNoGap(slices: readonly SearchSlice[], whole: SearchBounds): void {
  slices.forEach((slice, index) => {
    expect(beginning(following(slice, whole))).toEqual(beginning(slices[index + 1]));
  });
}

describe("the slices of a search", () => {
  test.each([
    ["first", (parts: readonly SearchSlice[]) => parts[0]],
    ["middle", (parts: readonly SearchSlice[]) => parts[Math.floor(parts.length / 2)]],
    ["last", (parts: readonly SearchSlice[]) => parts.at(-1)],
  ])("leave no gap and do not overlap when the %s part is cut again and again", (_, pick) => {
    const slices = leaves({ created: {} }, (parts) => pick(parts) ?? { created: {} });
    expect(slices.length).toBeGreaterThan(10);
    expect(slices[0]?.created.from).toBeUndefined();
    expect(slices.at(-1)?.created.to).toBeUndefined();
    expectNoGap(slices, { created: {} });
  });

  test("stay within the days and sizes that the search names", () => {
    const { whole } = cuttable("created:2026-01-01..2026-01-03 size:10..20");
    expect(partsOf({ created: whole.created }, whole, today)?.map(({ created }) => created)).toEqual([
      { from: "2026-01-01", to: "2026-01-01" },
      { from: "2026-01-02", to: "2026-01-02" },
      { from: "2026-01-03", to: "2026-01-03" },
    ]);
    const sizes = partsOf({ created: { from: "2026-01-02", to: "2026-01-02" } }, whole, today) ?? [];
    expect([sizes[0]?.size?.from, sizes.at(-1)?.size?.to]).toEqual([10, 20]);
    expect(following(sizes.at(-1) ?? { created: {} }, whole)).toEqual({
      created: { from: "2026-01-03", to: "2026-01-03" },
    });
  });

  test("are taken together as long as GitHub shows their hits", () => {
    const day = (day: number): SearchSlice => ({ created: { from: `2026-01-0${day}`, to: `2026-01-0${day}` } });
    const parts = [400, 600, 1].map((count, index) => ({ slice: day(index + 1), count }));
    expect(planSearchSlices(parts)).toEqual({
      planned: { slice: { created: { from: "2026-01-01", to: "2026-01-02" } }, count: maxSearchHits },
      crowded: day(3),
    });
    expect(planSearchSlices([{ slice: day(1), count: 1001 }])).toEqual({ crowded: day(1) });
  });
});

describe("a search's own ranges", () => {
  test.each([
    ["org:acme", "org:acme"],
    ["org:acme created:>=2026-01-01", "org:acme created:>=2026-01-01"],
    ["created:>2026-01-01 org:acme created:<2026-02-01", "org:acme created:2026-01-02..2026-01-31"],
    ["created:2026-01-05", "created:2026-01-05..2026-01-05"],
    ["size:*..100 size:>10", "size:11..100"],
    ['"created:2026-01-01 is a phrase"', '"created:2026-01-01 is a phrase"'],
    ["-created:2026-01-01", "-created:2026-01-01"],
  ])("of %s mean %s", (search, meaning) => {
    const read = cuttable(search);
    expect(sliceQuery(read, read.whole)).toBe(meaning);
    expect(read.uncuttable).toBeUndefined();
  });

  test.each(["created:2026-01-01T10:00:00Z", "size:many", "size:>=5 size:<3"])("are left alone in %s", (search) => {
    const read = cuttable(search);
    expect(sliceQuery(read, read.whole)).toBe(search);
    expect(read.uncuttable).toBeDefined();
  });
});
