import type { MemoryFile, MemoryRepository } from "./memory-repository.ts";

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
    case "created":
      return liesIn(seed.created ?? "2030-01-02", value, (day) => day);
    case "size":
      return liesIn(seed.sizeKb ?? 1, value, Number);
    case "fork":
      return value !== "only" || seed.isFork === true;
    default:
      throw new Error(`The memory code host does not know the search qualifier ${qualifier}.`);
  }
}

/** `a..b` with `*` for an open end, `>=a`, `<=b`, `>a`, `<b` or one value. */
function liesIn<T extends string | number>(value: T, range: string, parse: (bound: string) => T): boolean {
  const [, low, high] = /^(.+)\.\.(.+)$/.exec(range) ?? [];
  if (low !== undefined && high !== undefined) {
    return (low === "*" || value >= parse(low)) && (high === "*" || value <= parse(high));
  }
  const [, sign, bound = ""] = /^(>=|<=|>|<)?(.+)$/.exec(range) ?? [];
  const other = parse(bound);
  const compared = new Map([
    [">=", value >= other],
    ["<=", value <= other],
    [">", value > other],
    ["<", value < other],
  ]);
  return compared.get(sign ?? "") ?? value === other;
}

/**
 * The files that a code search finds: words in their text, `filename:` and `path:`. Whose they are has been looked at.
 * @throws Error for a qualifier that it does not know, so that no test passes by chance.
 */
export function filesFound(files: ReadonlyMap<string, MemoryFile>, query: string): readonly string[] {
  const terms = query.split(/\s+/).filter((term) => term !== "");
  return [...files.keys()].filter((path) => terms.every((term) => matchesFile(path, files.get(path), term)));
}

function matchesFile(path: string, file: MemoryFile | undefined, term: string): boolean {
  const [, qualifier, value = ""] = /^(\w+):(.*)$/.exec(term) ?? [];
  switch (qualifier) {
    case undefined:
      return Buffer.from(file?.content ?? [])
        .toString()
        .toLowerCase()
        .includes(term.toLowerCase());
    case "filename":
      return path.slice(path.lastIndexOf("/") + 1) === value;
    case "path":
      return path.startsWith(`${value}/`);
    case "org":
    case "user":
      return true;
    default:
      throw new Error(`The memory code host does not know the code search qualifier ${qualifier}.`);
  }
}
