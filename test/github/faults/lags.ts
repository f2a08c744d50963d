import type { Clock } from "../state/world.ts";
import type { PullRequest } from "../state/pull-request.ts";
import { fullName, type Repository } from "../state/repository.ts";
import { Hits, seeded, type Frequency } from "./chance.ts";

/** Which reads show a write late: of a ref, of lists of pull requests, or of a pull request by its id or number. */
export type Lagging = "ref" | "pull-request-list" | "pull-request";

/** Reads after a write go on showing what was before: so many of them, or so long by the clock, or until both are over. */
export interface Lag extends Frequency {
  readonly of: Lagging;
  /** `owner/name`; any by default. */
  readonly repository?: string;
  readonly reads?: number;
  readonly ms?: number;
}

interface Stale {
  readonly until: number;
  reads: number;
  /** What the ref pointed to before; undefined when it did not exist. */
  readonly before: string | undefined;
}

/**
 * Eventual consistency right after writes. Writes themselves are never stale: a compare-and-swap always sees the truth,
 * and git over HTTP does, too.
 */
export class Lags {
  readonly #clock: Clock;
  readonly #random: () => number;
  #active: { readonly lag: Lag; readonly hits: Hits }[] = [];
  readonly #stale = new Map<string, Stale>();
  /** How many reads were shown something old. */
  staleReads = 0;

  constructor(clock: Clock, seed: number) {
    this.#clock = clock;
    this.#random = seeded(seed);
  }

  /** @throws Error for a lag that would last for no read and no time */
  add(lag: Lag): void {
    if ((lag.reads ?? 0) <= 0 && (lag.ms ?? 0) <= 0) throw new Error("A lag needs reads or ms, how long it lasts.");
    this.#active.push({ lag, hits: new Hits(lag, this.#random) });
  }

  /** Everything is shown as it is. */
  clear(): void {
    this.#active = [];
    this.#stale.clear();
  }

  refMoved(repository: Repository, name: string, before: string | undefined): void {
    this.#wrote("ref", repository, `${repository.id} ${name}`, before);
  }

  pullRequestOpened(repository: Repository, pullRequest: PullRequest): void {
    this.#wrote("pull-request-list", repository, pullRequest.nodeId, undefined);
    this.#wrote("pull-request", repository, pullRequest.nodeId, undefined);
  }

  /** What a read of a ref shows instead of the truth; undefined when it shows the truth. */
  oldRef(repository: Repository, name: string): { readonly oid: string | undefined } | undefined {
    const stale = this.#read("ref", `${repository.id} ${name}`);
    return stale === undefined ? undefined : { oid: stale.before };
  }

  /** Whether a read does not show a pull request yet. */
  hides(of: "pull-request-list" | "pull-request", pullRequest: PullRequest): boolean {
    return this.#read(of, pullRequest.nodeId) !== undefined;
  }

  #wrote(of: Lagging, repository: Repository, key: string, before: string | undefined): void {
    for (const { lag, hits } of this.#active) {
      const isMeant = lag.of === of && (lag.repository ?? fullName(repository)) === fullName(repository);
      if (!isMeant || !hits.hit()) continue;
      const until = this.#clock.now().getTime() + (lag.ms ?? 0);
      this.#stale.set(`${of} ${key}`, { until, reads: lag.reads ?? 0, before });
    }
  }

  #read(of: Lagging, key: string): Stale | undefined {
    const stale = this.#stale.get(`${of} ${key}`);
    if (stale === undefined) return undefined;
    if (stale.reads <= 0 && this.#clock.now().getTime() >= stale.until) {
      this.#stale.delete(`${of} ${key}`);
      return undefined;
    }
    stale.reads -= 1;
    this.staleReads += 1;
    return stale;
  }
}
