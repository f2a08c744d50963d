import { createHash } from "node:crypto";
import { commitIdOf } from "../../changeset/commit-id.ts";
import {
  BranchMoved,
  CodeHostRefused,
  type CommitDraft,
  type FileChange,
  type RepositoryRef,
  type RepositorySnapshot,
} from "../../ports/code-host.ts";

/** A repository to begin with. */
export interface MemoryRepositorySeed {
  readonly owner: string;
  readonly name: string;
  /** The first commit on the default branch, by path; leave out for an empty repository. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly defaultBranch?: string;
  readonly topics?: readonly string[];
  readonly language?: string;
  readonly visibility?: RepositorySnapshot["visibility"];
  /** The day, such as `2030-01-02`, and the size, for searches. */
  readonly created?: string;
  readonly sizeKb?: number;
  readonly isArchived?: boolean;
  readonly isDisabled?: boolean;
  readonly isFork?: boolean;
  readonly lockReason?: string;
  /** Who can push, and so be assigned and review. */
  readonly collaborators?: readonly string[];
  /** Team slugs. */
  readonly teams?: readonly string[];
}

export interface MemoryFile {
  readonly mode: string;
  readonly content: Uint8Array;
}

type Tree = ReadonlyMap<string, MemoryFile>;

interface Commit {
  readonly tree: Tree;
  readonly parent: string | undefined;
}

/** Commits and branches in memory. Ids look like git's and depend on the content alone, but are not git's. */
export class MemoryRepository {
  readonly id: number;
  readonly seed: MemoryRepositorySeed;
  readonly branches = new Map<string, string>();
  readonly protectedBranches = new Set<string>();
  readonly #commits = new Map<string, Commit>();
  readonly formerNames = new Set<string>();
  isArchived: boolean;
  #name: string;

  constructor(id: number, seed: MemoryRepositorySeed) {
    this.id = id;
    this.seed = seed;
    this.#name = seed.name;
    this.isArchived = seed.isArchived ?? false;
  }

  get ref(): RepositoryRef {
    return { id: this.id, nodeId: `R_${this.id}`, owner: this.seed.owner, name: this.name };
  }

  get name(): string {
    return this.#name;
  }

  rename(name: string): void {
    this.formerNames.add(this.#name);
    this.#name = name;
  }

  get fullName(): string {
    return `${this.seed.owner}/${this.name}`;
  }

  get defaultBranch(): string {
    return this.seed.defaultBranch ?? "main";
  }

  /** None as long as it is empty. */
  get filesOnDefaultBranch(): Tree {
    return this.branches.has(this.defaultBranch) ? this.filesAt(this.defaultBranch) : new Map();
  }

  /** The files of a commit or branch. */
  filesAt(revision: string): Tree {
    return this.#commit(this.branches.get(revision) ?? revision).tree;
  }

  snapshot(branchName: string | undefined, files: readonly string[]): RepositorySnapshot {
    const { seed } = this;
    const name = branchName ?? this.defaultBranch;
    const commit = this.branches.get(name);
    const present = commit === undefined ? [] : [...this.filesAt(commit).keys()];
    return {
      ...this.ref,
      ...(commit !== undefined && { branch: { name, commit } }),
      isArchived: this.isArchived,
      isDisabled: seed.isDisabled ?? false,
      isFork: seed.isFork ?? false,
      ...(seed.lockReason !== undefined && { lockReason: seed.lockReason }),
      visibility: seed.visibility ?? "private",
      topics: seed.topics ?? [],
      ...(seed.language !== undefined && { primaryLanguage: seed.language }),
      presentFiles: files.filter((file) => present.some((path) => path === file || path.startsWith(`${file}/`))),
    };
  }

  /** A commit on `parent`, or the first one. @throws CodeHostRefused when the parent or a deleted path is missing. */
  commit(draft: Omit<CommitDraft, "parent"> & { readonly parent: string | undefined }): {
    commit: string;
    tree: string;
  } {
    const { parent } = draft;
    const { id: treeId, tree } = this.treeWith(parent, draft.changes);
    const commit = commitIdOf({ ...draft, tree: treeId, parent: parent ?? sha1("") });
    this.#commits.set(commit, { tree, parent });
    return { commit, tree: treeId };
  }

  /** The tree that the changes make of a commit's. @throws CodeHostRefused when a deleted path is missing. */
  treeWith(parent: string | undefined, changes: readonly FileChange[]): { readonly id: string; readonly tree: Tree } {
    const tree = new Map(parent === undefined ? [] : this.#commit(parent).tree);
    for (const change of changes.toSorted(deletionsFirst)) {
      if (change.kind === "write") tree.set(change.path, { mode: change.mode, content: change.content });
      else if (!tree.delete(change.path)) {
        throw new CodeHostRefused(
          "invalid",
          `Could not make a commit in ${this.fullName}: it has no ${change.path} to delete.`,
        );
      }
    }
    const entries = [...tree].map(([path, { mode, content }]) => [path, mode, sha1(content)]);
    return { id: sha1(JSON.stringify(entries.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)))), tree };
  }

  /** Moves a branch by compare-and-swap. @throws BranchMoved or CodeHostRefused as the port promises. */
  moveBranch(branch: string, from: string | undefined, to: string): void {
    if (this.protectedBranches.has(branch)) {
      throw new CodeHostRefused(
        "protected",
        `Could not move ${branch}: a branch protection of ${this.fullName} forbids it.`,
      );
    }
    this.#commit(to);
    if (this.branches.get(branch) !== from)
      throw new BranchMoved(`The branch ${branch} of ${this.fullName} has moved.`);
    this.branches.set(branch, to);
  }

  /** Whether `commit` is `descendant` or one of those before it. */
  isAncestor(commit: string, descendant: string): boolean {
    for (let at: string | undefined = descendant; at !== undefined; at = this.#commit(at).parent) {
      if (at === commit) return true;
    }
    return false;
  }

  #commit(id: string): Commit {
    const commit = this.#commits.get(id);
    if (!commit) throw new CodeHostRefused("not-found", `There is no commit ${id} in ${this.fullName}.`);
    return commit;
  }
}

/** So that a directory can become a file and a file a directory. */
function deletionsFirst(a: FileChange, b: FileChange): number {
  return Number(a.kind === "write") - Number(b.kind === "write");
}

function sha1(content: string | Uint8Array): string {
  return createHash("sha1").update(content).digest("hex");
}
