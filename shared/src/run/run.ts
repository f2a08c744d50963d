import { hashOf } from "#shared/hash.ts";
import type { RepositoryRef, RepositorySnapshot } from "#shared/ports/code-host.ts";

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
