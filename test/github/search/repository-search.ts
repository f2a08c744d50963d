import { Refusal } from "../http/refusal.ts";
import type { Repository } from "../state/repository.ts";
import { fullName } from "../state/repository.ts";
import type { World } from "../state/world.ts";
import { instantRange, numberRange } from "./ranges.ts";

/** A search never shows more than this many of its hits. */
export const mostHits = 1_000;

type Test = (repository: Repository) => boolean;

/**
 * Repositories that match GitHub's search syntax. Forks are left out unless the query asks for them, as at GitHub.
 * @throws Refusal for a qualifier that this local GitHub does not know, naming it
 */
export function searchRepositories(world: World, query: string): readonly Repository[] {
  let sort: string | undefined;
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
    else if (qualifier === "sort") sort = value.toLowerCase();
    else if (qualifier === undefined) tests.push(textTest(term));
    else {
      const test = qualifierTest(qualifier, value);
      tests.push(not === undefined ? test : (repository) => !test(repository));
    }
  }
  if (owners.length > 0) tests.push((repository) => owners.includes(repository.owner.login.toLowerCase()));
  if (forks !== "true") tests.push((repository) => repository.isFork === (forks === "only"));
  const found = [...world.repositories.values()].filter((repository) => tests.every((test) => test(repository)));
  return sort === undefined ? found : sorted(found, sort);
}

/** Splits at blanks, but not within quotes. */
export function terms(query: string): readonly string[] {
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
    case "created": {
      const test = ranged(qualifier, value, instantRange);
      return (repository) => test(repository.createdAt);
    }
    case "pushed": {
      const test = ranged(qualifier, value, instantRange);
      return (repository) => test(repository.pushedAt);
    }
    case "size": {
      const test = ranged(qualifier, value, numberRange);
      return (repository) => test(repository.sizeKb);
    }
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

/** A range, or GitHub's refusal of what is none. */
function ranged<T>(
  qualifier: string,
  range: string,
  parse: (range: string) => (actual: T) => boolean,
): (actual: T) => boolean {
  try {
    return parse(range);
  } catch {
    throw unknown(`${qualifier}:${range}`);
  }
}

const sortKeys: Readonly<Record<string, (repository: Repository) => number>> = {
  updated: (repository) => repository.updatedAt.getTime(),
  // Nobody stars or forks here.
  stars: () => 0,
  forks: () => 0,
  "help-wanted-issues": () => 0,
};

/** Sorts as `sort:updated-asc` or the REST parameters ask. @throws Refusal for what cannot be sorted by */
function sorted(found: readonly Repository[], sort: string): readonly Repository[] {
  const { key = "", direction = "desc" } = /^(?<key>.+?)(?:-(?<direction>asc|desc))?$/.exec(sort)?.groups ?? {};
  const read = sortKeys[key];
  if (read === undefined) throw unknown(`sort:${sort}`);
  const sign = direction === "asc" ? 1 : -1;
  return found.toSorted((left, right) => sign * (read(left) - read(right)) || left.id - right.id);
}

function unknown(term: string): Refusal {
  return new Refusal(200, `The local GitHub does not know the search qualifier ${term}.`);
}
