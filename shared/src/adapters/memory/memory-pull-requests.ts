import { CodeHostRefused, CodeHostUnavailable, PullRequestExists, type PullRequest } from "../../ports/code-host.ts";
import type { MemoryRepository } from "./memory-repository.ts";

/** The pull requests of one repository, in memory. */
export class MemoryPullRequests {
  readonly #repository: MemoryRepository;
  readonly #all: PullRequest[] = [];

  constructor(repository: MemoryRepository) {
    this.#repository = repository;
  }

  /** All of them, an open one with the head its branch has now. */
  get all(): readonly PullRequest[] {
    return this.#all.map((each) => {
      const head = this.#repository.branches.get(each.headBranch);
      return each.state === "open" && head !== undefined ? { ...each, headCommit: head } : each;
    });
  }

  /** @throws CodeHostRefused when there is none of that number. */
  get(number: number): PullRequest {
    const found = this.all.find((each) => each.number === number);
    if (!found) {
      throw new CodeHostRefused("not-found", `There is no pull request #${number} in ${this.#repository.fullName}.`);
    }
    return found;
  }

  change(number: number, change: Partial<PullRequest>): void {
    this.#all[number - 1] = { ...this.get(number), ...change };
  }

  /** @throws PullRequestExists, CodeHostRefused or CodeHostUnavailable as GitHub would. */
  open(draft: Pick<PullRequest, "headBranch" | "baseBranch" | "title" | "body" | "draft">): PullRequest {
    const { fullName, branches } = this.#repository;
    const { headBranch, baseBranch } = draft;
    const head = branches.get(headBranch);
    const base = branches.get(baseBranch);
    if (head === undefined)
      throw new CodeHostUnavailable(`GitHub does not see the branch ${headBranch} of ${fullName} yet.`);
    if (base === undefined) throw new CodeHostRefused("invalid", `${fullName} has no base branch ${baseBranch}.`);
    const isOpen = (each: PullRequest) =>
      each.state === "open" && each.headBranch === headBranch && each.baseBranch === baseBranch;
    if (this.#all.some(isOpen))
      throw new PullRequestExists(`${headBranch} has an open pull request in ${fullName} already.`);
    if (this.#repository.isAncestor(head, base)) {
      throw new CodeHostRefused("invalid", `${headBranch} has no commit that ${baseBranch} of ${fullName} lacks.`);
    }
    const number = this.#all.length + 1;
    const opened: PullRequest = {
      ...draft,
      number,
      nodeId: `PR_${this.#repository.id}_${number}`,
      url: `https://github.test/${fullName}/pull/${number}`,
      state: "open",
      headCommit: head,
      labels: [],
      assignees: [],
      requestedReviewers: [],
      requestedTeams: [],
    };
    this.#all.push(opened);
    return opened;
  }
}
