import type { Workspace } from "#shared/execution/workspace.ts";
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

/** A repository that the selection came across, or a workspace of it, in or out, with the reason that people read. */
export interface RepoTarget {
  readonly campaign: string;
  readonly run: number;
  /** See `targetKey`, `keyBeside` and `missingTargetKey`. */
  readonly key: string;
  readonly repository?: RepositoryRef;
  readonly fullName: string;
  readonly branch?: string;
  readonly baseCommit?: string;
  /** Its path; absent when it is about the whole repository. */
  readonly workspace?: string;
  /**
   * `pending`: it stands for the workspaces of its repository until they are found. They were not when it has `failed` or
   * was `cancelled`.
   */
  readonly workspaceLookup?: "pending" | "failed" | "cancelled";
  readonly selected: boolean;
  readonly because: string;
  readonly executionId?: string;
}

/** The key under which a target is stored once a run. When its repository is divided, that of the first workspace. */
export function targetKey(repository: Pick<RepositorySnapshot, "id">): string {
  return String(repository.id);
}

/** The key of a workspace beside the one that has the repository's own; paths may be long. */
export function keyBeside(key: string, workspace: string): string {
  return `${key}/${hashOf(workspace).slice(0, 32)}`;
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
  readonly workspace: Workspace;
}): string {
  const { campaign, repository, branch, baseCommit, stepsHash, workspace } = work;
  const part = workspace.path === "" ? [] : [workspace.path, workspace.onlyFetch ? "alone" : "in the whole repository"];
  const hash = hashOf(
    campaign,
    repository.id,
    repository.owner,
    repository.name,
    branch,
    baseCommit,
    stepsHash,
    ...part,
  );
  return `x-${hash.slice(0, 32)}`;
}
