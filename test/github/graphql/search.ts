import { Refusal } from "../http/refusal.ts";
import type { Repository } from "../state/repository.ts";
import { fullName } from "../state/repository.ts";
import type { World } from "../state/world.ts";

/** A search never shows more than this many of its hits. */
export const mostHits = 1_000;

type Test = (repository: Repository) => boolean;

/**
 * Repositories that match GitHub's search syntax. Forks are left out unless the query asks for them, as at GitHub.
 * @throws Refusal for a qualifier that this local GitHub does not know, naming it
 */
export function searchRepositories(world: World, query: string): readonly Repository[] {
  const tests: Test[] = [];
  const owners: string[] = [];
  let forks: "false" | "true" | "only" = "false";
  for (const term of terms(query)) {
    const match = /^(?<not>-)?(?<name>[a-z]+):(?<value>.+)$/i.exec(term);
    const { not, name, value = "" } = match?.groups ?? {};
    const qualifier = name?.toLowerCase();
    if (not === undefined && (qualifier === "org" || qualifier === "user")) owners.push(value.toLowerCase());
    else if (qualifier === "fork") forks = forkValue(value);
    else if (qualifier === "in") checkIn(value);
    else if (qualifier === undefined) tests.push(textTest(term));
    else {
      const test = qualifierTest(qualifier, value);
      tests.push(not === undefined ? test : (repository) => !test(repository));
    }
  }
  if (owners.length > 0) tests.push((repository) => owners.includes(repository.owner.login.toLowerCase()));
  if (forks !== "true") tests.push((repository) => repository.isFork === (forks === "only"));
  return [...world.repositories.values()].filter((repository) => tests.every((test) => test(repository)));
}

/** Splits at blanks, but not within quotes. */
function terms(query: string): readonly string[] {
  return [...query.matchAll(/(?:[^\s"]+|"[^"]*")+/g)].map(([term]) => term.replaceAll('"', ""));
}

function forkValue(value: string): "false" | "true" | "only" {
  if (value === "true" || value === "only" || value === "false") return value;
  throw unknown(`fork:${value}`);
}

function checkIn(value: string): void {
  if (!value.split(",").every((part) => ["name", "description", "topics"].includes(part))) throw unknown(`in:${value}`);
}

function textTest(term: string): Test {
  const wanted = term.toLowerCase();
  return (repository) =>
    [repository.name, repository.description ?? "", ...repository.topics].some((text) =>
      text.toLowerCase().includes(wanted),
    );
}

function qualifierTest(qualifier: string, value: string): Test {
  const wanted = value.toLowerCase();
  switch (qualifier) {
    case "org":
    case "user":
      return (repository) => repository.owner.login.toLowerCase() === wanted;
    case "repo":
      return (repository) => fullName(repository).toLowerCase() === wanted;
    case "topic":
      return (repository) => repository.topics.includes(wanted);
    case "language":
      return (repository) => repository.language?.toLowerCase() === wanted;
    case "archived":
      return (repository) => repository.isArchived === (wanted === "true");
    case "template":
      return (repository) => repository.isTemplate === (wanted === "true");
    case "is":
      return isTest(wanted);
    case "created":
      return rangeTest(value, dayOf, (repository) => repository.createdAt.toISOString());
    case "pushed":
      return rangeTest(value, dayOf, (repository) => repository.pushedAt.toISOString());
    case "size":
      return rangeTest(value, Number, (repository) => repository.sizeKb);
    default:
      throw unknown(`${qualifier}:${value}`);
  }
}

function isTest(value: string): Test {
  if (value === "public" || value === "private" || value === "internal") {
    return (repository) => repository.visibility === value;
  }
  throw unknown(`is:${value}`);
}

const dayOf = (text: string): string => text;

/** `2024-01-01..2024-06-30`, `>=2024-01-01`, `<2024-01-01`, `*..5`, or one value. A day means all of it. */
function rangeTest<T extends string | number>(
  range: string,
  parse: (text: string) => T,
  read: (repository: Repository) => T,
): Test {
  const clip = (actual: T, bound: T): T =>
    // Cutting an instant to the length of the bound is what makes a day cover its hours; numbers stay as they are.
    (typeof actual === "string" ? actual.slice(0, String(bound).length) : actual) as T;
  const dots = /^(?<low>.+)\.\.(?<high>.+)$/.exec(range)?.groups;
  const parts = dots === undefined ? /^(?<sign>>=|<=|>|<)?(?<value>.+)$/.exec(range)?.groups : undefined;
  const low = dots?.["low"];
  const high = dots?.["high"];
  if (low !== undefined && high !== undefined) {
    return (repository) => {
      const actual = read(repository);
      const isAbove = low === "*" || clip(actual, parse(low)) >= parse(low);
      return isAbove && (high === "*" || clip(actual, parse(high)) <= parse(high));
    };
  }
  const bound = parse(parts?.["value"] ?? range);
  const compare: Record<string, (actual: T) => boolean> = {
    ">=": (actual) => actual >= bound,
    "<=": (actual) => actual <= bound,
    ">": (actual) => actual > bound,
    "<": (actual) => actual < bound,
  };
  const test = compare[parts?.["sign"] ?? ""] ?? ((actual: T): boolean => actual === bound);
  return (repository) => test(clip(read(repository), bound));
}

function unknown(term: string): Refusal {
  return new Refusal(200, `The local GitHub does not know the search qualifier ${term}.`);
}
