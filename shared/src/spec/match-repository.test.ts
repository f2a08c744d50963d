import { describe, expect, test } from "vitest";
import { filesAskedFor, matchRepository, type RepositoryFacts } from "./match-repository.ts";
import type { Filters } from "./spec.ts";

function aRepository(changes: Partial<RepositoryFacts> = {}): RepositoryFacts {
  return {
    owner: "acme",
    name: "api-billing",
    branch: { name: "main", commit: "0".repeat(40) },
    isArchived: false,
    isDisabled: false,
    isFork: false,
    visibility: "private",
    topics: ["node", "backend"],
    primaryLanguage: "TypeScript",
    presentFiles: ["package.json"],
    ...changes,
  };
}

function decide(filters: Partial<Filters>, changes: Partial<RepositoryFacts> = {}): string {
  const { selected, because } = matchRepository({ include: [], exclude: [], ...filters }, aRepository(changes));
  return `${selected ? "in" : "out"}: ${because}`;
}

describe("a repository", () => {
  test("is in when nothing excludes it", () => {
    expect(decide({})).toBe("in: included: nothing excludes it");
  });

  test.for<[Partial<RepositoryFacts>, string]>([
    [{ isArchived: true }, "out: excluded: archived"],
    [{ isDisabled: true }, "out: excluded: disabled by the code host"],
    [{ lockReason: "migrating" }, "out: excluded: locked (migrating)"],
  ])("that cannot be changed is out: %j", ([changes, reason]) => {
    expect(decide({ include: [{ name: "acme/*" }] }, changes)).toBe(reason);
  });

  test("without a branch is out", () => {
    const { branch: _branch, ...empty } = aRepository();
    expect(matchRepository({ include: [], exclude: [] }, empty)).toEqual({
      selected: false,
      because: "excluded: empty, or without the branch",
    });
  });

  test("is out when one exclusion matches, in all its fields", () => {
    expect(decide({ exclude: [{ topic: "legacy" }, { fork: false, language: "typescript" }] })).toBe(
      "out: excluded: language typescript, not a fork",
    );
    expect(decide({ exclude: [{ topic: "node", fork: true }] })).toBe("in: included: nothing excludes it");
  });

  test("is in when one inclusion matches, in all its fields", () => {
    const include = [{ name: "acme/web-*" }, { name: "api-*", file: "package.json", visibility: "private" as const }];
    expect(decide({ include })).toBe("in: included: name matches api-*, private, has package.json");
  });

  test("that no inclusion matches is told what each one missed", () => {
    expect(decide({ include: [{ name: "acme/web-*" }, { name: "lib-*" }] })).toBe(
      "out: not included: name matches none of acme/web-*, lib-*",
    );
    expect(
      decide({
        include: [
          { topic: "go", file: "go.mod" },
          { language: "Go", fork: true, visibility: "public" },
        ],
      }),
    ).toBe(
      "out: not included: no topic go and no go.mod; language is TypeScript, not Go and private, not public and not a fork",
    );
    expect(decide({ include: [{ archived: true, name: "a" }] })).toBe(
      "out: not included: name does not match a and not archived",
    );
  });

  test("is told a reason that can be read, however many inclusions there are", () => {
    const include = Array.from({ length: 8 }, (_, index) => ({ name: `lib-${index}` }));
    expect(decide({ include })).toBe(
      "out: not included: name matches none of lib-0, lib-1, lib-2, lib-3, lib-4 and 3 more",
    );
  });

  test("is known by its name and topics in any case", () => {
    expect(decide({ include: [{ name: "Acme/API-*", topic: "Node" }] })).toMatch(/^in/);
  });
});

test("the files that filters ask for are looked up once each", () => {
  const include = [{ file: "package.json" }, { file: "go.mod", fork: false }];
  expect(filesAskedFor({ include, exclude: [{ file: "package.json" }, { fork: true }] })).toEqual([
    "go.mod",
    "package.json",
  ]);
});
