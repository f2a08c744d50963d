import type { GitRepository } from "../git/git-repository.ts";
import type { TreeEntry } from "../git/objects.ts";
import { unprocessable } from "../http/refusal.ts";

/** A folder being edited: its entries by name, subfolders opened only when something in them changes. */
interface Folder {
  readonly entries: Map<string, TreeEntry | Folder>;
}

/** Changes a tree path by path and writes only the folders that changed. */
export class TreeEdit {
  readonly #git: GitRepository;
  readonly #base: string;
  #root: Folder | undefined;

  constructor(git: GitRepository, base: string) {
    this.#git = git;
    this.#base = base;
  }

  /** Puts an entry, replacing what is there. @throws Refusal 422 for a path git does not accept */
  async put(path: string, mode: string, oid: string): Promise<void> {
    const segments = segmentsOf(path);
    const name = segments.pop() ?? "";
    const folder = await this.#folder(segments, true);
    folder?.entries.set(name, { mode, name, oid });
  }

  /** Removes an entry. @throws Refusal 422 when there is none */
  async remove(path: string): Promise<void> {
    const segments = segmentsOf(path);
    const name = segments.pop() ?? "";
    const folder = await this.#folder(segments, false);
    if (folder?.entries.delete(name) !== true) throw unprocessable("GitRPC::BadObjectState");
  }

  /** The SHA of the tree as it is now. Folders that became empty vanish, as git has none. */
  async write(): Promise<string> {
    const root = await this.#open();
    return this.#write(root);
  }

  async #open(): Promise<Folder> {
    this.#root ??= await this.#read(this.#base);
    return this.#root;
  }

  async #read(oid: string): Promise<Folder> {
    const entries = (await this.#git.tree(oid)) ?? [];
    return { entries: new Map(entries.map((entry) => [entry.name, entry])) };
  }

  async #folder(segments: readonly string[], create: boolean): Promise<Folder | undefined> {
    let folder = await this.#open();
    for (const name of segments) {
      const entry = folder.entries.get(name);
      let next: Folder;
      if (entry !== undefined && "entries" in entry) next = entry;
      else if (entry?.mode === "040000") next = await this.#read(entry.oid);
      else if (create) next = { entries: new Map() };
      else return undefined;
      folder.entries.set(name, next);
      folder = next;
    }
    return folder;
  }

  async #write(folder: Folder): Promise<string> {
    const entries: TreeEntry[] = [];
    for (const [name, entry] of folder.entries) {
      if (!("entries" in entry)) entries.push(entry);
      else if (entry.entries.size > 0) {
        const oid = await this.#write(entry);
        // A folder whose subfolders all vanished is the empty tree: it vanishes, too.
        if (!(await this.#isEmpty(oid))) entries.push({ mode: "040000", name, oid });
      }
    }
    return this.#git.writeTree(entries);
  }

  async #isEmpty(oid: string): Promise<boolean> {
    return (await this.#git.tree(oid))?.length === 0;
  }
}

function segmentsOf(path: string): string[] {
  const segments = path.split("/");
  const isMalformed = segments.some(
    (segment) =>
      segment === "" ||
      segment === "." ||
      segment === ".." ||
      segment.toLowerCase() === ".git" ||
      segment.includes("\0"),
  );
  if (isMalformed) throw unprocessable("tree.path contains a malformed path component");
  return segments;
}
