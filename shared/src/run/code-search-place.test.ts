import { describe, expect, test } from "vitest";
import { Rejected } from "#shared/errors.ts";
import { aSnapshot } from "#shared/testing/builders.ts";
import { afterCodeSearchPage, codeSearchCursor, codeSearchPlace } from "./code-search-place.ts";

/** One answer of the code search: how many it named in error. */
type Answer = readonly number[];

/**
 * Reads searches of which each has a list of pages with so many unconfirmed, as `search.page` for each page read, with a
 * `!` where the unconfirmed are told.
 */
function read(searches: readonly Answer[]): readonly string[] {
  const steps: string[] = [];
  for (let cursor: string | undefined; ;) {
    const place = codeSearchPlace(cursor, searches.length);
    const page = Number(place.cursor ?? 0);
    const pages = searches[place.query] ?? [];
    const unconfirmed = Array.from({ length: pages[page] ?? 0 }, () => aSnapshot());
    const nextCursor = page + 1 < pages.length ? { nextCursor: String(page + 1) } : {};
    const { tellsUnconfirmed, next } = afterCodeSearchPage(place, { unconfirmed, ...nextCursor }, searches.length);
    steps.push(`${place.query}.${page}${tellsUnconfirmed ? "!" : ""}`);
    if (next === undefined) return steps;
    cursor = codeSearchCursor(next);
  }
}

describe("code searches of an organization", () => {
  test.each<[string, readonly Answer[], string]>([
    ["one page tells at once what it could not confirm", [[3]], "0.0!"],
    ["all pages are read once when everything is confirmed", [[0, 0], [0]], "0.0 0.1 1.0!"],
    [
      "the last page of all needs no repetition",
      [
        [0, 0],
        [0, 4],
      ],
      "0.0 0.1 1.0 1.1!",
    ],
    ["an earlier page is told after all others were read", [[2, 0]], "0.0 0.1! 0.0! 0.1!"],
    ["an earlier search is repeated, and no other", [[0], [1], [0], [0]], "0.0 1.0 2.0 3.0! 1.0!"],
    ["several are repeated one after the other", [[1], [0], [1, 1], [1]], "0.0 1.0 2.0 2.1 3.0! 0.0! 2.0! 2.1!"],
  ])("%s", (_, searches, steps) => {
    expect(read(searches).join(" ")).toBe(steps);
  });

  test.each([
    ["no JSON", "x"],
    ["another search", codeSearchCursor({ query: 2, toRepeat: [], isRepetition: false })],
    ["another search to repeat", codeSearchCursor({ query: 0, toRepeat: [9], isRepetition: true })],
    ["something else", Buffer.from("[]").toString("base64url")],
  ])("do not go on from a place that says %s", (_, cursor) => {
    expect(() => codeSearchPlace(cursor, 2)).toThrow(Rejected);
  });
});
