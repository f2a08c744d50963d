import { randomUUID } from "node:crypto";
import { access, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { deflate } from "node:zlib";
import type { CatFilePool, GitObject } from "./cat-file.ts";
import { decodeCommit, decodeTree, encodeCommit, encodeTree, objectId } from "./objects.ts";
import type { Commit, ObjectType, TreeEntry } from "./objects.ts";
import { git, runGit } from "./run-git.ts";

const deflated = promisify(deflate);

export const zeroOid = "0".repeat(40);
/** The tree without entries, which exists in no repository until somebody writes it. */
export const emptyTree = objectId("tree", new Uint8Array());

export interface Ref {
  readonly name: string;
  readonly oid: string;
  readonly type: ObjectType;
}

/** One move of a ref. The zero oid means "must not exist" before, and "delete" after; no `before` means wherever it is. */
export interface RefMove {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string;
}

/** A bare repository on disk. Objects are written directly; refs only ever move through `git update-ref`. */
export class GitRepository {
  readonly #directory: string;
  readonly #pool: CatFilePool;
  /** Commits and trees never change, so what was read once is kept. */
  readonly #known = new Map<string, GitObject>();

  constructor(directory: string, pool: CatFilePool) {
    this.#directory = directory;
    this.#pool = pool;
  }

  /** Where git finds it. */
  get directory(): string {
    return this.#directory;
  }

  /** The object that a revision names (`refs/heads/main`, a full SHA, `<commit>:path`), or undefined. */
  async read(revision: string): Promise<GitObject | undefined> {
    const known = this.#known.get(revision);
    if (known !== undefined) return known;
    const object = await this.#pool.read(this.directory, revision);
    if (object !== undefined && revision === object.oid && (object.type === "commit" || object.type === "tree")) {
      if (this.#known.size > 4_000) this.#known.clear();
      this.#known.set(object.oid, object);
    }
    return object;
  }

  async commit(revision: string): Promise<Commit | undefined> {
    const object = await this.read(revision);
    return object?.type === "commit" ? decodeCommit(object.oid, object.content) : undefined;
  }

  async tree(oid: string): Promise<readonly TreeEntry[] | undefined> {
    if (oid === emptyTree) return [];
    const object = await this.read(oid);
    return object?.type === "tree" ? decodeTree(object.content) : undefined;
  }

  /** What lies at a path of a tree; the empty path is the tree itself. */
  async entryAt(tree: string, path: string): Promise<TreeEntry | undefined> {
    let entry: TreeEntry | undefined = { mode: "040000", name: "", oid: tree };
    for (const segment of path.split("/").filter((part) => part !== "")) {
      if (entry?.mode !== "040000") return undefined;
      entry = (await this.tree(entry.oid))?.find((candidate) => candidate.name === segment);
    }
    return entry;
  }

  /** What a branch points to, or undefined when there is none of that name. */
  async branchHead(branch: string): Promise<string | undefined> {
    return this.refOid(`refs/heads/${branch}`);
  }

  /** What a full ref name points to. A name that git would read as an expression (`main~1`) is no ref. */
  async refOid(name: string): Promise<string | undefined> {
    if (!isRefName(name)) return undefined;
    return (await this.read(name))?.oid;
  }

  /** The refs below a prefix such as `refs/heads/`, by name. */
  async refs(prefix: string): Promise<readonly Ref[]> {
    const output = await git(["for-each-ref", "--format=%(refname) %(objectname) %(objecttype)"], {
      directory: this.directory,
    });
    return output
      .split("\n")
      .filter((line) => line.startsWith(prefix))
      .map((line) => {
        const [name = "", oid = "", type = "commit"] = line.split(" ");
        // for-each-ref writes one of git's four types.
        return { name, oid, type: type as ObjectType };
      });
  }

  /** The branch that HEAD names, whether it exists or not. */
  async headBranch(): Promise<string> {
    const head = await readFile(join(this.directory, "HEAD"), "utf8");
    return head.trim().replace(/^ref: refs\/heads\//, "");
  }

  async setHeadBranch(branch: string): Promise<void> {
    await git(["symbolic-ref", "HEAD", `refs/heads/${branch}`], { directory: this.directory });
  }

  /**
   * Moves refs together: all or none. @throws RefsMoved when one is not where it should be or its name cannot be used.
   */
  async moveRefs(moves: readonly RefMove[]): Promise<void> {
    const commands = moves.map(({ name, before, after }) => {
      if (after === zeroOid) return `delete ${name}\0${before ?? ""}\0`;
      return before === zeroOid ? `create ${name}\0${after}\0` : `update ${name}\0${after}\0${before ?? ""}\0`;
    });
    const outcome = await runGit(["update-ref", "-z", "--stdin"], {
      directory: this.directory,
      input: commands.join(""),
    });
    if (outcome.status !== 0) throw new RefsMoved(outcome.stderr.trim());
  }

  /** Writes a loose object, unless it is there; writing it twice changes nothing. */
  async write(type: ObjectType, content: Uint8Array): Promise<string> {
    const oid = objectId(type, content);
    const folder = join(this.directory, "objects", oid.slice(0, 2));
    const path = join(folder, oid.slice(2));
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return oid;
    const packed = await deflated(Buffer.concat([Buffer.from(`${type} ${content.byteLength}\0`), content]), {
      level: 1,
    });
    await mkdir(folder, { recursive: true });
    const draft = join(folder, `tmp_obj_${randomUUID()}`);
    await writeFile(draft, packed, { mode: 0o444 });
    await rename(draft, path);
    return oid;
  }

  writeTree(entries: readonly TreeEntry[]): Promise<string> {
    return this.write("tree", encodeTree(entries));
  }

  writeCommit(commit: Omit<Commit, "oid">): Promise<string> {
    return this.write("commit", encodeCommit(commit));
  }
}

/** Whether a full ref name is one git accepts (git-check-ref-format), so that it is never read as an expression. */
export function isRefName(name: string): boolean {
  return (
    /^refs\/[^/]+\/./.test(name) &&
    // Control characters are what the rule is about.
    // oxlint-disable-next-line no-control-regex
    !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.$/.test(name) &&
    name.split("/").every((part) => !part.startsWith(".") && !part.endsWith(".lock"))
  );
}

/** A ref was not where the caller expected it, or its name clashes with another. The message is git's. */
export class RefsMoved extends Error {
  override readonly name = "RefsMoved";
}
