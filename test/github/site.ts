import type { Lags } from "./faults/lags.ts";
import type { CodeIndex } from "./search/code-index.ts";
import type { Repository } from "./state/repository.ts";
import { fullName } from "./state/repository.ts";
import type { World } from "./state/world.ts";
import type { Webhooks } from "./webhooks/webhooks.ts";

/** Where everything is reached from outside: the layout of GitHub Enterprise Server. */
export class Urls {
  /** For people and git, without a slash at its end. */
  readonly root: string;
  /** REST. */
  readonly api: string;
  readonly graphql: string;

  constructor(root: string) {
    this.root = root;
    this.api = `${root}/api/v3`;
    this.graphql = `${root}/api/graphql`;
  }

  repository(repository: Repository): string {
    return `${this.api}/repos/${fullName(repository)}`;
  }

  page(repository: Repository): string {
    return `${this.root}/${fullName(repository)}`;
  }
}

/** All that a request may need. */
export interface Site {
  readonly world: World;
  readonly urls: Urls;
  readonly webhooks: Webhooks;
  readonly locks: Locks;
  readonly lags: Lags;
  readonly codeIndex: CodeIndex;
  readonly trees: TreeLimit;
}

/** Where listings of trees end. */
export interface TreeLimit {
  entries: number;
}

/** Lets one writer at a time into a repository, in the order they came. */
export class Locks {
  readonly #tails = new Map<number, Promise<unknown>>();

  async exclusively<T>(repository: Repository, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(repository.id) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#tails.set(repository.id, mine);
    return mine;
  }
}
