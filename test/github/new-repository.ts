import type { FileContent } from "./bare-repository.ts";
import type { GitRepository } from "./git/git-repository.ts";
import type { Owner } from "./state/account.ts";
import { nodeId } from "./state/ids.ts";
import type { Repository, Visibility } from "./state/repository.ts";

export type Files = Readonly<Record<string, FileContent>>;

/** What a repository is like, besides its name and content. */
export interface RepositoryTraits {
  readonly description?: string;
  readonly topics?: readonly string[];
  readonly language?: string;
  readonly visibility?: Visibility;
  readonly archived?: boolean;
  readonly disabled?: boolean;
  readonly fork?: boolean;
  readonly template?: boolean;
  readonly locked?: Repository["lockReason"];
  readonly createdAt?: Date;
  readonly sizeKb?: number;
}

export interface NewRepository extends RepositoryTraits {
  readonly owner: string;
  readonly name: string;
  /** An existing bare repository, used where it is. Without it one is made with `files`. */
  readonly bareDirectory?: string;
  /** The first commit; a README by default. */
  readonly files?: Files;
  /** `main`, or what HEAD of the bare repository names. */
  readonly defaultBranch?: string;
  /** No commit at all. */
  readonly empty?: boolean;
}

/** Many repositories that begin alike. */
export interface RepositoryFleet {
  readonly owner: string;
  /** By number from 0; `repository-00042` by default. */
  readonly name?: (index: number) => string;
  /** The first commit of all, or several that are dealt out in turn; a README by default. */
  readonly files?: Files | readonly Files[];
  readonly defaultBranch?: string;
  /** What each one is like. */
  readonly traits?: (index: number) => RepositoryTraits;
}

/** The record of a repository whose git repository is there, or will be. */
export function recordOf(
  name: string,
  traits: RepositoryTraits,
  made: { readonly id: number; readonly owner: Owner; readonly git: GitRepository; readonly now: Date },
): Repository {
  const { id, owner, git } = made;
  const now = traits.createdAt ?? made.now;
  return {
    id,
    nodeId: nodeId("Repository", id),
    owner,
    git,
    createdAt: now,
    name,
    description: traits.description,
    topics: [...(traits.topics ?? [])],
    language: traits.language,
    visibility: traits.visibility ?? "private",
    isArchived: traits.archived ?? false,
    isDisabled: traits.disabled ?? false,
    isFork: traits.fork ?? false,
    isTemplate: traits.template ?? false,
    lockReason: traits.locked,
    updatedAt: now,
    pushedAt: now,
    sizeKb: traits.sizeKb ?? 0,
    deletesBranchOnMerge: false,
    collaborators: new Map(),
    labels: new Map(),
    pullRequests: new Map(),
    protections: new Map(),
  };
}
