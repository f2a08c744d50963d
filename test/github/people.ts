import { mergePullRequest, type MergeRequest } from "./actions/merging.ts";
import { closePullRequest, editPullRequest, reopenPullRequest } from "./actions/pull-requests.ts";
import { changeRefs } from "./actions/refs.ts";
import { signatureOf } from "./actions/signing.ts";
import type { Caller } from "./auth/caller.ts";
import { writeFiles, type FileContent } from "./bare-repository.ts";
import { zeroOid } from "./git/git-repository.ts";
import type { Site } from "./site.ts";
import type { PullRequest } from "./state/pull-request.ts";
import type { Repository } from "./state/repository.ts";

/** Who does it; `app-owner`, who administers every organization, unless somebody else is named. */
export interface As {
  readonly as?: string;
}

/** What people do with repositories and pull requests, besides the API. */
export class People {
  readonly #site: Site;

  constructor(site: Site) {
    this.#site = site;
  }

  /** @throws Error when there is no such repository */
  repository(name: string): Repository {
    const [owner = "", short = ""] = name.split("/");
    const repository = this.#site.world.repositoryNamed(owner, short);
    if (repository === undefined) throw new Error(`There is no repository ${name}.`);
    return repository;
  }

  /** Every repository there is. */
  repositories(): readonly Repository[] {
    return [...this.#site.world.repositories.values()];
  }

  /** The pull requests of a repository, or of all, oldest first. */
  pullRequests(repository?: string): readonly PullRequest[] {
    const repositories = repository === undefined ? this.repositories() : [this.repository(repository)];
    return repositories.flatMap((found) => [...found.pullRequests.values()]).sort((left, right) => left.id - right.id);
  }

  /** @throws Error when there is no such pull request */
  pullRequest(repository: string, number: number): PullRequest {
    const found = this.repository(repository).pullRequests.get(number);
    if (found === undefined) throw new Error(`${repository} has no pull request #${number}.`);
    return found;
  }

  /** A new personal access token of somebody. */
  tokenOf(login: string): string {
    const user = this.#site.world.user(login);
    if (user === undefined) throw new Error(`There is no user ${login}.`);
    return this.#site.world.issueToken("ghp", { kind: "user", login: user.login });
  }

  /** Merges as a person would with the green button. @throws Refusal as the API would answer */
  async mergePullRequest(
    repository: string,
    number: number,
    options: As & Partial<MergeRequest> = {},
  ): Promise<string> {
    const found = this.repository(repository);
    const { as: _, ...request } = options;
    return this.#site.locks.exclusively(found, () =>
      mergePullRequest(this.#site, found, this.pullRequest(repository, number), this.#caller(options), {
        method: "merge",
        ...request,
      }),
    );
  }

  async closePullRequest(repository: string, number: number, options: As = {}): Promise<void> {
    const found = this.repository(repository);
    await this.#site.locks.exclusively(found, () =>
      closePullRequest(this.#site, found, this.pullRequest(repository, number), this.#caller(options).actor),
    );
  }

  /** @throws Refusal when its branch does not allow it */
  async reopen(repository: string, number: number, options: As = {}): Promise<void> {
    const found = this.repository(repository);
    await this.#site.locks.exclusively(found, () =>
      reopenPullRequest(this.#site, found, this.pullRequest(repository, number), this.#caller(options).actor),
    );
  }

  async editPullRequest(
    repository: string,
    number: number,
    edit: As & { readonly title?: string; readonly body?: string },
  ): Promise<void> {
    const found = this.repository(repository);
    const { as: _, ...wanted } = edit;
    await this.#site.locks.exclusively(found, () =>
      editPullRequest(this.#site, found, this.pullRequest(repository, number), this.#caller(edit).actor, wanted),
    );
  }

  /**
   * Pushes a commit, as a person would; null removes a file. A branch that does not exist begins at the default one.
   * With `amend` the head is replaced by a commit on its own parent: a force-push. Answers the commit.
   */
  async pushCommit(
    repository: string,
    commit: As & {
      readonly branch: string;
      readonly files: Readonly<Record<string, FileContent | null>>;
      readonly message?: string;
      readonly amend?: boolean;
    },
  ): Promise<string> {
    const found = this.repository(repository);
    const caller = this.#caller(commit);
    const { git } = found;
    return this.#site.locks.exclusively(found, async () => {
      const name = `refs/heads/${commit.branch}`;
      const before = await git.refOid(name);
      const head = before ?? (await git.branchHead(await git.headBranch()));
      const parent = commit.amend === true && head !== undefined ? (await git.commit(head))?.parents[0] : head;
      const author = signatureOf(caller.actor, this.#site.world.clock.now());
      const { files, message = "Change by hand" } = commit;
      const after = await writeFiles(git, { parent, files, message, author });
      const force = commit.amend ?? false;
      await changeRefs(this.#site, found, caller, [{ name, expected: before ?? zeroOid, after, force }]);
      return after;
    });
  }

  /** Deletes a branch, which closes its pull requests. */
  async deleteBranch(repository: string, branch: string, options: As = {}): Promise<void> {
    const found = this.repository(repository);
    const request = { name: `refs/heads/${branch}`, after: zeroOid, force: true };
    await this.#site.locks.exclusively(found, () => changeRefs(this.#site, found, this.#caller(options), [request]));
  }

  #caller(options: As): Extract<Caller, { kind: "user" }> {
    const actor = options.as === undefined ? this.#site.world.appOwner : this.#site.world.user(options.as);
    if (actor === undefined) throw new Error(`There is no user ${options.as ?? ""}.`);
    return { kind: "user", token: "", actor };
  }
}
