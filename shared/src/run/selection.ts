import type { RepositoryPage } from "#shared/ports/code-host.ts";
import type { Spec } from "#shared/spec/spec.ts";

/** A part of a selection: what one series of pages reads. */
export type SelectionPart =
  | { readonly kind: "organization"; readonly organization: string }
  | { readonly kind: "search"; readonly organization: string; readonly search: string }
  | {
      readonly kind: "repositories";
      readonly organization: string;
      readonly repositories: readonly { readonly name: string; readonly branch?: string }[];
    }
  | { readonly kind: "code-search"; readonly organization: string; readonly queries: readonly string[] };

/** Where a page of a selection begins. */
export interface SelectionPlace {
  /** Counted from 0. */
  readonly part: number;
  /** Absent on the first page of a part. */
  readonly cursor?: string;
}

/** How many repositories are looked up by name in one page. */
const namesPerPage = 100;

/**
 * The parts of a spec's selection, in the order in which they are read: what the first of them says of a repository
 * holds. Repositories that are listed by name come first, so that a branch given there wins over the default branch that
 * a whole organization or a search would choose. Code searches come last, an organization's together, so that one that
 * errs about a repository leaves out none that another source brings in.
 */
export function planSelection(spec: Spec): readonly SelectionPart[] {
  const named = new Map<string, { name: string; branch?: string }[]>();
  const others: SelectionPart[] = [];
  const codeSearches = new Map<string, { readonly organization: string; readonly queries: string[] }>();
  for (const source of spec.on) {
    if ("repository" in source) {
      const [owner = "", name = ""] = source.repository.split("/");
      const listed = named.get(owner) ?? [];
      listed.push({ name, ...(source.branch === undefined ? {} : { branch: source.branch }) });
      named.set(owner, listed);
    } else if ("search" in source) {
      others.push({ kind: "search", organization: source.org, search: source.search });
    } else if ("codeSearch" in source) {
      const key = source.org.toLowerCase();
      const ofOwner = codeSearches.get(key) ?? { organization: source.org, queries: [] };
      ofOwner.queries.push(source.codeSearch);
      codeSearches.set(key, ofOwner);
    } else {
      others.push({ kind: "organization", organization: source.org });
    }
  }
  const parts: SelectionPart[] = [];
  for (const [organization, repositories] of named) {
    for (let from = 0; from < repositories.length; from += namesPerPage) {
      parts.push({ kind: "repositories", organization, repositories: repositories.slice(from, from + namesPerPage) });
    }
  }
  return [
    ...parts,
    ...others,
    ...[...codeSearches.values()].map((each) => ({ kind: "code-search" as const, ...each })),
  ];
}

/** Where the page after this one begins, and whose installation it asks; undefined when it was the last of all. */
export function placeAfter(
  parts: readonly SelectionPart[],
  part: number,
  { nextCursor }: Pick<RepositoryPage, "nextCursor">,
): { readonly place: SelectionPlace; readonly organization: string } | undefined {
  const place = nextCursor === undefined ? { part: part + 1 } : { part, cursor: nextCursor };
  const reached = parts[place.part];
  return reached && { place, organization: reached.organization };
}
