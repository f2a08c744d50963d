import { describe, expect, test } from "vitest";
import { aSpec } from "#shared/testing/builders.ts";
import { placeAfter, planSelection } from "./selection.ts";

describe("planning a selection", () => {
  test("reads repositories by name first, an owner's together, whatever their place in the spec", () => {
    const spec = aSpec({
      on: [
        { org: "acme" },
        { repository: "acme/api", branch: "next" },
        { search: "org:acme topic:node", org: "acme" },
        { repository: "globex/web" },
        { repository: "acme/web" },
      ],
    });
    expect(planSelection(spec)).toEqual([
      { kind: "repositories", organization: "acme", repositories: [{ name: "api", branch: "next" }, { name: "web" }] },
      { kind: "repositories", organization: "globex", repositories: [{ name: "web" }] },
      { kind: "organization", organization: "acme" },
      { kind: "search", organization: "acme", search: "org:acme topic:node" },
    ]);
  });

  test("asks for no more than a hundred names at once, and loses none", () => {
    const on = Array.from({ length: 201 }, (_, index) => ({ repository: `acme/r${index}` }));
    const parts = planSelection(aSpec({ on }));
    const names = parts.map((part) => (part.kind === "repositories" ? part.repositories.map(({ name }) => name) : []));
    expect(names.map(({ length }) => length)).toEqual([100, 100, 1]);
    expect(names.flat()).toEqual(on.map(({ repository }) => repository.slice("acme/".length)));
  });

  test("reads code searches last, an organization's together in whatever case it is written", () => {
    const spec = aSpec({
      on: [
        { codeSearch: "org:acme filename:.nvmrc", org: "acme" },
        { codeSearch: "org:globex log4j", org: "globex" },
        { org: "acme" },
        { codeSearch: "org:Acme volta", org: "Acme" },
        { repository: "acme/api" },
      ],
    });
    expect(planSelection(spec)).toEqual([
      { kind: "repositories", organization: "acme", repositories: [{ name: "api" }] },
      { kind: "organization", organization: "acme" },
      { kind: "code-search", organization: "acme", queries: ["org:acme filename:.nvmrc", "org:Acme volta"] },
      { kind: "code-search", organization: "globex", queries: ["org:globex log4j"] },
    ]);
  });
});

describe("the place after a page", () => {
  const parts = planSelection(aSpec({ on: [{ org: "acme" }, { org: "globex" }] }));

  test.each([
    [0, "c", { place: { part: 0, cursor: "c" }, organization: "acme" }],
    [0, undefined, { place: { part: 1 }, organization: "globex" }],
    [1, "c", { place: { part: 1, cursor: "c" }, organization: "globex" }],
    [1, undefined, undefined],
  ] as const)("in part %i whose page says %s next is %j", (part, nextCursor, expected) => {
    expect(placeAfter(parts, part, nextCursor === undefined ? {} : { nextCursor })).toEqual(expected);
  });
});
