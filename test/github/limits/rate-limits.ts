import type { Caller } from "../auth/caller.ts";
import type { Refusal } from "../http/refusal.ts";
import { reachOf, type World } from "../state/world.ts";
import { AccountRates, peaksOf, type RatePeaks, type RateResource } from "./account-rates.ts";
import { enterpriseCloudLimits, scaledBudget, type GitHubLimits, type LimitsSetting } from "./github-limits.ts";
import { primaryRefusal, secondaryRefusal, tooQuickly } from "./rate-refusals.ts";

export interface RateState {
  readonly resource: RateResource;
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  readonly resetAt: Date;
}

/** What one request asks of the limits. */
export interface Demand {
  readonly resource: RateResource;
  /** Of the primary budget: 1 for REST, the query's price for GraphQL, 0 for `/rate_limit`. */
  readonly cost: number;
  /** Of the points a minute: 1 for a read, 5 for a write. */
  readonly points: number;
  /** How much content it creates. */
  readonly content: number;
  /** What it is, for the record: method and path template, or the GraphQL operation. */
  readonly operation: string;
}

/** A request that was let in. */
export interface Admission {
  /** Gives its primary cost back: a 304 is free. */
  refund(): void;
  /** Its answer has gone out, or never will. */
  release(): void;
}

export type RefusedFor =
  RateResource | "concurrent" | "rest points" | "graphql points" | "content a minute" | "content an hour" | "cooldown";

/** A request that was refused for a limit. */
export interface RateRefusal {
  readonly at: Date;
  /** `installation 1000004`, `user 1`, `app` or `anonymous`. */
  readonly account: string;
  readonly because: RefusedFor;
  readonly operation: string;
}

interface Obstacle {
  readonly because: RefusedFor;
  readonly refusal: Refusal;
}

/** Primary and secondary limits, for each installation, each user and the App itself. Everything is counted by the clock given. */
export class RateLimits {
  readonly #world: World;
  readonly #accounts = new Map<string, AccountRates>();
  /** May be changed at any time: what has been counted stays counted. */
  setting: LimitsSetting;
  /** Every refusal so far. */
  readonly refusals: RateRefusal[] = [];

  constructor(world: World, setting: LimitsSetting) {
    this.#world = world;
    this.setting = setting;
  }

  /** How far the budget of a resource is used up. */
  state(caller: Caller, resource: RateResource): RateState {
    const now = this.#now();
    const budget = this.#account(caller).budgets[resource];
    const limit = this.#limitOf(caller, resource, this.#shown());
    const used = Math.min(budget.used(now), limit);
    return { resource, limit, used, remaining: limit - used, resetAt: budget.resetAt(now) };
  }

  /** Lets a request in and counts it. @throws Refusal in GitHub's shape when a limit forbids it */
  admit(caller: Caller, demand: Demand): Admission {
    const account = this.#account(caller);
    const now = this.#now();
    const budget = account.budgets[demand.resource];
    const refused = this.#obstacle(caller, account, demand, now);
    if (refused !== undefined) {
      const { because, refusal } = refused;
      const at = new Date(now);
      this.refusals.push({ at, account: accountName(caller), because, operation: demand.operation });
      throw refusal;
    }
    budget.take(now, demand.cost);
    (demand.resource === "graphql" ? account.graphqlPoints : account.restPoints).take(now, demand.points);
    account.contentAMinute.take(now, demand.content);
    account.contentAnHour.take(now, demand.content);
    account.concurrent += 1;
    let isUnderWay = true;
    return {
      refund: () => budget.take(this.#now(), -demand.cost),
      release() {
        if (isUnderWay) account.concurrent -= 1;
        isUnderWay = false;
      },
    };
  }

  /** The most that an account asked for: `installation 1000004`, `user 1`, `app` or `anonymous`. */
  peaks(account: string): RatePeaks {
    return peaksOf(this.#accounts.get(account) ?? new AccountRates());
  }

  #obstacle(caller: Caller, account: AccountRates, demand: Demand, now: number): Obstacle | undefined {
    const offered = offer(account, demand, now);
    const limits = this.setting;
    if (typeof limits === "string") return undefined;
    const isGraphql = demand.resource === "graphql";
    const cool = (because: RefusedFor, refusal = secondaryRefusal(limits, isGraphql)): Obstacle => {
      account.cooldownUntil = now + limits.cooldownMs;
      return { because, refusal };
    };
    if (now < account.cooldownUntil) return cool("cooldown");
    if (demand.cost > 0 && offered.budget > this.#limitOf(caller, demand.resource, limits)) {
      const budget = account.budgets[demand.resource];
      // What is left is not enough for this query, and GitHub then shows that nothing is left.
      budget.take(now, Math.max(0, this.#limitOf(caller, demand.resource, limits) - budget.used(now)));
      return { because: demand.resource, refusal: primaryRefusal(limits, caller, isGraphql) };
    }
    if (offered.concurrent > limits.concurrent) return cool("concurrent");
    if (offered.points > (isGraphql ? limits.graphqlPointsAMinute : limits.restPointsAMinute)) {
      return cool(isGraphql ? "graphql points" : "rest points");
    }
    if (demand.content === 0) return undefined;
    const refusal = tooQuickly(limits, isGraphql, demand.operation);
    if (offered.contentAMinute > limits.contentAMinute) return cool("content a minute", refusal);
    return offered.contentAnHour > limits.contentAnHour ? cool("content an hour", refusal) : undefined;
  }

  /** With limits off, the numbers that are shown are those of an Enterprise Cloud organization. */
  #shown(): GitHubLimits {
    return typeof this.setting === "string" ? enterpriseCloudLimits : this.setting;
  }

  #limitOf(caller: Caller, resource: RateResource, limits: GitHubLimits): number {
    if (resource === "search") return limits.searchAMinute;
    if (resource === "code_search") return limits.codeSearchAMinute;
    if (caller.kind === "anonymous" && typeof this.setting !== "string") return limits.anonymous;
    if (caller.kind !== "installation") return limits[resource].base;
    return scaledBudget(limits[resource], reachOf(this.#world, caller.installation));
  }

  #account(caller: Caller): AccountRates {
    const name = accountName(caller);
    const known = this.#accounts.get(name);
    if (known !== undefined) return known;
    const fresh = new AccountRates();
    this.#accounts.set(name, fresh);
    return fresh;
  }

  #now(): number {
    return this.#world.clock.now().getTime();
  }
}

/** What every window would hold with this request; remembered in the peaks whether it is let in or not. */
function offer(
  account: AccountRates,
  demand: Demand,
  now: number,
): Readonly<Record<"budget" | "points" | "contentAMinute" | "contentAnHour" | "concurrent", number>> {
  const points = demand.resource === "graphql" ? account.graphqlPoints : account.restPoints;
  const concurrent = account.concurrent + 1;
  account.peakConcurrent = Math.max(account.peakConcurrent, concurrent);
  return {
    budget: account.budgets[demand.resource].offer(now, demand.cost),
    points: points.offer(now, demand.points),
    contentAMinute: account.contentAMinute.offer(now, demand.content),
    contentAnHour: account.contentAnHour.offer(now, demand.content),
    concurrent,
  };
}

/** The headers of every answer; none where there are no limits at all. */
export function rateHeaders(rates: RateLimits, caller: Caller, resource: RateResource): Record<string, string> {
  if (rates.setting === "ghes") return {};
  const state = rates.state(caller, resource);
  return {
    "x-ratelimit-limit": String(state.limit),
    "x-ratelimit-remaining": String(state.remaining),
    "x-ratelimit-used": String(state.used),
    "x-ratelimit-reset": String(Math.ceil(state.resetAt.getTime() / 1000)),
    "x-ratelimit-resource": state.resource,
  };
}

function accountName(caller: Caller): string {
  if (caller.kind === "installation") return `installation ${caller.installation.id}`;
  return caller.kind === "user" ? `user ${caller.actor.id}` : caller.kind;
}
