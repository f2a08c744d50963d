import type { MemoryRepository } from "./memory-repository.ts";

/**
 * Whether a repository search finds a repository: words in the name, and the qualifiers that tests use. As at GitHub,
 * forks are left out unless asked for.
 * @throws Error for a qualifier that it does not know, so that no test passes by chance.
 */
export function matchesSearch(repository: MemoryRepository, search: string): boolean {
  const terms = search.split(/\s+/).filter((term) => term !== "");
  const isForkAsked = terms.some((term) => /^fork:(true|only)$/.test(term));
  if (repository.seed.isFork === true && !isForkAsked) return false;
  return terms.every((term) => matchesTerm(repository, term));
}

function matchesTerm(repository: MemoryRepository, term: string): boolean {
  const [, qualifier, value = ""] = /^(\w+):(.*)$/.exec(term) ?? [];
  const { seed } = repository;
  switch (qualifier) {
    case undefined:
      return repository.name.toLowerCase().includes(term.toLowerCase());
    case "org":
    case "user":
      return seed.owner.toLowerCase() === value.toLowerCase();
    case "topic":
      return (seed.topics ?? []).includes(value);
    case "language":
      return seed.language?.toLowerCase() === value.toLowerCase();
    case "archived":
      return String(repository.isArchived) === value;
    case "fork":
      return value !== "only" || seed.isFork === true;
    default:
      throw new Error(`The memory code host does not know the search qualifier ${qualifier}.`);
  }
}
