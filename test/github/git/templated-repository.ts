import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CatFilePool, GitObject } from "./cat-file.ts";
import { GitRepository, type Ref, type RefMove } from "./git-repository.ts";
import { isMissingRef, moveLooseRefs, readLooseObject, readLooseRef } from "./loose.ts";

/** A bare repository that others begin as. It never changes, so whatever was read of it is kept. */
export class RepositoryTemplate {
  readonly git: GitRepository;
  readonly headBranch: string;
  readonly refs: readonly Ref[];
  readonly #known = new Map<string, Promise<GitObject | undefined>>();

  private constructor(git: GitRepository, headBranch: string, refs: readonly Ref[]) {
    this.git = git;
    this.headBranch = headBranch;
    this.refs = refs;
  }

  static async of(git: GitRepository): Promise<RepositoryTemplate> {
    return new RepositoryTemplate(git, await git.headBranch(), await git.refs("refs/"));
  }

  read(revision: string): Promise<GitObject | undefined> {
    const known = this.#known.get(revision);
    if (known !== undefined) return known;
    const object = this.git.read(revision);
    if (this.#known.size > 20_000) this.#known.clear();
    this.#known.set(revision, object);
    return object;
  }
}

/**
 * A repository that begins as a template and takes no room on disk until somebody writes to it or git itself looks at
 * it; from then on it is a real bare repository that borrows the template's objects. The files it reads and writes are a
 * few bytes long, and a page of a hundred repositories needs hundreds of them: reading them at once is what keeps it fast.
 */
export class TemplatedRepository extends GitRepository {
  readonly #template: RepositoryTemplate;
  #isOnDisk = false;

  constructor(directory: string, pool: CatFilePool, template: RepositoryTemplate) {
    super(directory, pool);
    this.#template = template;
  }

  /** Whether it has come to be on disk. */
  get isOnDisk(): boolean {
    return this.#isOnDisk;
  }

  /** Asking for the directory makes it. */
  override get directory(): string {
    if (!this.#isOnDisk) this.#materialize();
    return super.directory;
  }

  override async read(revision: string): Promise<GitObject | undefined> {
    if (!this.#isOnDisk) return this.#template.read(revision);
    if (/^[0-9a-f]{40}$/.test(revision)) return this.#object(revision);
    // `main:path` and `refs/heads/main`: what still is as in the template costs no process.
    const colon = revision.indexOf(":");
    const name = await this.#fullName(colon === -1 ? revision : revision.slice(0, colon));
    const oid = readLooseRef(super.directory, name);
    if (oid === undefined && name === revision && isMissingRef(super.directory, name)) return undefined;
    if (oid === undefined) return super.read(revision);
    if (colon === -1) return this.#object(oid);
    const borrowed = await this.#template.read(oid);
    return borrowed === undefined ? super.read(revision) : this.#template.read(`${oid}${revision.slice(colon)}`);
  }

  override async moveRefs(moves: readonly RefMove[]): Promise<void> {
    if (!moveLooseRefs(this.directory, moves)) await super.moveRefs(moves);
  }

  override async refs(prefix: string): Promise<readonly Ref[]> {
    if (this.#isOnDisk) return super.refs(prefix);
    return this.#template.refs.filter(({ name }) => name.startsWith(prefix));
  }

  override async headBranch(): Promise<string> {
    if (!this.#isOnDisk) return this.#template.headBranch;
    return readFileSync(join(super.directory, "HEAD"), "utf8")
      .trim()
      .replace(/^ref: refs\/heads\//, "");
  }

  async #fullName(name: string): Promise<string> {
    if (name.startsWith("refs/")) return name;
    return `refs/heads/${name === "HEAD" ? await this.headBranch() : name}`;
  }

  async #object(oid: string): Promise<GitObject | undefined> {
    return (await this.#template.read(oid)) ?? readLooseObject(super.directory, oid) ?? super.read(oid);
  }

  #materialize(): void {
    this.#isOnDisk = true;
    const directory = super.directory;
    const { git, headBranch, refs } = this.#template;
    mkdirSync(join(directory, "objects", "info"), { recursive: true });
    mkdirSync(join(directory, "refs", "heads"), { recursive: true });
    writeFileSync(join(directory, "objects", "info", "alternates"), `${join(git.directory, "objects")}\n`);
    writeFileSync(join(directory, "HEAD"), `ref: refs/heads/${headBranch}\n`);
    writeFileSync(join(directory, "config"), readFileSync(join(git.directory, "config")));
    for (const { name, oid } of refs) {
      mkdirSync(join(directory, name, ".."), { recursive: true });
      writeFileSync(join(directory, name), `${oid}\n`);
    }
  }
}
