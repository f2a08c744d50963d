import { hashOf } from "#shared/hash.ts";
import type { RepositoryRef, RepositorySnapshot } from "#shared/ports/code-host.ts";
import type { Spec } from "#shared/spec/spec.ts";

/** One preview of a spec version: which repositories, and what the steps make of each. */
export interface Run {
  readonly campaign: string;
  /** Counts the campaign's runs from 1; a later run supersedes the ones before. */
  readonly number: number;
  readonly specVersion: number;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  /** When the last page of the selection was written. */
  readonly selectedAt?: Date;
  /** Why the selection was given up. */
  readonly failure?: string;
}

/** A repository that the selection came across, in or out, with the reason that people read. */
export interface RepoTarget {
  readonly campaign: string;
  readonly run: number;
  /** The repository's id, or `name:OWNER/NAME` of one that could not be seen. */
  readonly key: string;
  readonly repository?: RepositoryRef;
  readonly fullName: string;
  readonly branch?: string;
  readonly baseCommit?: string;
  readonly selected: boolean;
  readonly because: string;
  readonly executionId?: string;
}

/** A part of a selection: what one series of pages reads. */
export type SelectionPart =
  | { readonly kind: "organization"; readonly organization: string }
  | { readonly kind: "search"; readonly organization: string; readonly search: string }
  | {
      readonly kind: "repositories";
      readonly organization: string;
      readonly repositories: readonly { readonly name: string; readonly branch?: string }[];
    };

/** How many repositories are looked up by name in one page. */
const namesPerPage = 100;

/**
 * The parts of a spec's selection, in the order in which they are read. Repositories that are listed by name come first,
 * so that a branch given there wins over the default branch that a whole organization or a search would choose.
 */
export function planSelection(spec: Spec): readonly SelectionPart[] {
  const named = new Map<string, { name: string; branch?: string }[]>();
  const others: SelectionPart[] = [];
  for (const source of spec.on) {
    if ("repository" in source) {
      const [owner = "", name = ""] = source.repository.split("/");
      const listed = named.get(owner) ?? [];
      listed.push({ name, ...(source.branch === undefined ? {} : { branch: source.branch }) });
      named.set(owner, listed);
    } else if ("search" in source) {
      others.push({ kind: "search", organization: source.org, search: source.search });
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
  return [...parts, ...others];
}

/** The key under which a target is stored once a run. */
export function targetKey(repository: Pick<RepositorySnapshot, "id">): string {
  return String(repository.id);
}

/** The key of a repository that was asked for by name and could not be seen. */
export function missingTargetKey(fullName: string): string {
  return `name:${fullName.toLowerCase()}`;
}

/**
 * The id of the execution that runs these steps on this base commit: the same work has the same id. Name and branch are
 * part of it because templates can read them.
 */
export function executionIdFor(work: {
  readonly campaign: string;
  readonly repository: RepositoryRef;
  readonly branch: string;
  readonly baseCommit: string;
  readonly stepsHash: string;
}): string {
  const { campaign, repository, branch, baseCommit, stepsHash } = work;
  const hash = hashOf(campaign, repository.id, repository.owner, repository.name, branch, baseCommit, stepsHash);
  return `x-${hash.slice(0, 32)}`;
}
