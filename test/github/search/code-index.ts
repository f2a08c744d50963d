import type { Repository } from "../state/repository.ts";

/** GitHub's code search leaves out larger files. */
const largestBytes = 384 * 1024;

export interface IndexedFile {
  readonly path: string;
  readonly oid: string;
  readonly sizeBytes: number;
  /** In lower case; empty for a binary file. */
  readonly text: string;
}

interface Indexed {
  readonly commit: string | undefined;
  readonly files: readonly IndexedFile[];
}

/**
 * What code search knows: the default branches, as they are now unless the index is frozen. GitHub's own lags behind
 * pushes for minutes and may answer a part only, so a client has to confirm what it finds.
 */
export class CodeIndex {
  readonly #byTree = new Map<string, readonly IndexedFile[]>();
  readonly #frozen = new Map<number, string | undefined>();
  #isFrozen = false;
  /** Answers `incomplete_results: true`, as GitHub does when a search ran out of time. */
  isIncomplete = false;

  /** From now on the index keeps showing what it has shown of a repository; `false` lets it catch up. */
  freeze(isFrozen = true): void {
    this.#isFrozen = isFrozen;
    if (!isFrozen) this.#frozen.clear();
  }

  async filesOf(repository: Repository): Promise<Indexed> {
    const commit = await this.#commitOf(repository);
    const tree = commit === undefined ? undefined : (await repository.git.commit(commit))?.tree;
    if (tree === undefined) return { commit: undefined, files: [] };
    const known = this.#byTree.get(tree);
    if (known !== undefined) return { commit, files: known };
    const files = await walk(repository, tree, "");
    if (this.#byTree.size > 500) this.#byTree.clear();
    this.#byTree.set(tree, files);
    return { commit, files };
  }

  async #commitOf(repository: Repository): Promise<string | undefined> {
    if (this.#isFrozen && this.#frozen.has(repository.id)) return this.#frozen.get(repository.id);
    const commit = await repository.git.branchHead(await repository.git.headBranch());
    this.#frozen.set(repository.id, commit);
    return commit;
  }
}

async function walk(repository: Repository, tree: string, prefix: string): Promise<readonly IndexedFile[]> {
  const files: IndexedFile[] = [];
  for (const { mode, name, oid } of (await repository.git.tree(tree)) ?? []) {
    const path = `${prefix}${name}`;
    if (mode === "040000") files.push(...(await walk(repository, oid, `${path}/`)));
    else if (mode === "100644" || mode === "100755") {
      const content = (await repository.git.read(oid))?.content ?? Buffer.alloc(0);
      if (content.length >= largestBytes) continue;
      const isBinary = content.subarray(0, 8_000).includes(0);
      const text = isBinary ? "" : content.toString("utf8").toLowerCase();
      files.push({ path, oid, sizeBytes: content.length, text });
    }
  }
  return files;
}
