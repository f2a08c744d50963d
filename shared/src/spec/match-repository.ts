import type { RepositorySnapshot } from "#shared/ports/code-host.ts";
import { compileGlob } from "./glob.ts";
import type { Filters, RepositoryPattern } from "./spec.ts";

/** What filters look at. */
export type RepositoryFacts = Omit<RepositorySnapshot, "id" | "nodeId">;

export interface Selection {
  readonly selected: boolean;
  /** For people, such as `excluded: archived` or `included: topic node`. */
  readonly because: string;
}

/** Whether a repository of the sources is selected, and why. */
export function matchRepository(filters: Filters, repository: RepositoryFacts): Selection {
  const obstacle = obstacleIn(repository);
  if (obstacle !== undefined) return { selected: false, because: `excluded: ${obstacle}` };
  const excluding = filters.exclude.find((pattern) => differences(pattern, repository).length === 0);
  if (excluding !== undefined) return { selected: false, because: `excluded: ${describe(excluding)}` };
  if (filters.include.length === 0) return { selected: true, because: "included: nothing excludes it" };
  const including = filters.include.find((pattern) => differences(pattern, repository).length === 0);
  if (including !== undefined) return { selected: true, because: `included: ${describe(including)}` };
  return { selected: false, because: `not included: ${describeMiss(filters.include, repository)}` };
}

/** Whether a glob over `owner/name`, or over the name alone when it has no slash, matches a repository. */
export function matchesName(glob: string, { owner, name }: Pick<RepositoryFacts, "owner" | "name">): boolean {
  return compileGlob(glob)(glob.includes("/") ? `${owner}/${name}` : name);
}

/** The files whose presence the filters ask for, each once: what a code host has to look up. */
export function filesAskedFor(filters: Filters): readonly string[] {
  const files = [...filters.include, ...filters.exclude].flatMap(({ file }) => (file === undefined ? [] : [file]));
  return [...new Set(files)].toSorted();
}

/** Why nobody can change the repository, whatever the filters say. */
function obstacleIn({ isArchived, isDisabled, lockReason, branch }: RepositoryFacts): string | undefined {
  if (isArchived) return "archived";
  if (isDisabled) return "disabled by the code host";
  if (lockReason !== undefined) return `locked (${lockReason})`;
  return branch === undefined ? "empty, or without the branch" : undefined;
}

type Field = keyof RepositoryPattern;

/** The fields of a pattern, in the order of the reference. */
function fieldsOf(pattern: RepositoryPattern): readonly Field[] {
  const fields: readonly Field[] = ["name", "topic", "language", "visibility", "archived", "fork", "file"];
  return fields.filter((field) => pattern[field] !== undefined);
}

/** The fields in which a repository does not match. */
function differences(pattern: RepositoryPattern, facts: RepositoryFacts): readonly Field[] {
  return fieldsOf(pattern).filter((field) => !matchesIn(field, pattern, facts));
}

function matchesIn(field: Field, pattern: RepositoryPattern, facts: RepositoryFacts): boolean {
  const { name = "", topic = "", language = "", file = "" } = pattern;
  switch (field) {
    case "name":
      return matchesName(name, facts);
    case "topic":
      return facts.topics.some((other) => equalInAnyCase(other, topic));
    case "language":
      return facts.primaryLanguage !== undefined && equalInAnyCase(facts.primaryLanguage, language);
    case "visibility":
      return facts.visibility === pattern.visibility;
    case "archived":
      return facts.isArchived === pattern.archived;
    case "fork":
      return facts.isFork === pattern.fork;
    case "file":
      return facts.presentFiles.includes(file);
  }
}

function describe(pattern: RepositoryPattern): string {
  return fieldsOf(pattern)
    .map((field) => describeField(field, pattern))
    .join(", ");
}

function describeField(field: Field, pattern: RepositoryPattern): string {
  const value = pattern[field];
  switch (field) {
    case "archived":
    case "fork":
      return value === true ? field : `not ${field === "fork" ? "a fork" : field}`;
    case "visibility":
      return String(value);
    case "name":
      return `name matches ${String(value)}`;
    case "file":
      return `has ${String(value)}`;
    case "topic":
    case "language":
      return `${field} ${String(value)}`;
  }
}

/** How many patterns a reason lists before it becomes too long to read. */
const listed = 5;

/** Says of each pattern what it missed; in one breath when they all look at the same field alone. */
function describeMiss(patterns: readonly RepositoryPattern[], facts: RepositoryFacts): string {
  const more = patterns.length > listed ? ` and ${patterns.length - listed} more` : "";
  const [field] = patterns.flatMap(fieldsOf);
  const sameField =
    field !== undefined && patterns.length > 1 && patterns.every((pattern) => fieldsOf(pattern).join() === field);
  if (sameField) {
    const values = patterns.slice(0, listed).map((pattern) => String(pattern[field]));
    return `${field} matches none of ${values.join(", ")}${more}`;
  }
  const misses = patterns.slice(0, listed).map((pattern) => {
    return differences(pattern, facts)
      .map((missed) => describeDifference(missed, pattern, facts))
      .join(" and ");
  });
  return `${misses.join("; ")}${more === "" ? "" : `;${more}`}`;
}

function describeDifference(field: Field, pattern: RepositoryPattern, facts: RepositoryFacts): string {
  const wanted = String(pattern[field]);
  switch (field) {
    case "name":
      return `name does not match ${wanted}`;
    case "topic":
      return `no topic ${wanted}`;
    case "language":
      return `language is ${facts.primaryLanguage ?? "unknown"}, not ${wanted}`;
    case "visibility":
      return `${facts.visibility}, not ${wanted}`;
    case "archived":
      return facts.isArchived ? "archived" : "not archived";
    case "fork":
      return facts.isFork ? "a fork" : "not a fork";
    case "file":
      return `no ${wanted}`;
  }
}

function equalInAnyCase(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
