import type { Caller } from "../auth/caller.ts";
import type { Clock } from "../state/world.ts";
import { Refusal } from "./refusal.ts";

export type RateResource = "core" | "graphql" | "search";

export interface RateState {
  readonly resource: RateResource;
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  readonly resetAt: Date;
}

const hourMs = 3_600_000;

/** Counts requests by caller and hour (searches by minute), as the primary rate limits do. */
export class RateLimits {
  readonly #clock: Clock;
  readonly #windows = new Map<string, { used: number; resetAt: number }>();
  /** May be lowered to see what a client does when it runs out. */
  readonly limits: Record<RateResource, number> = { core: 15_000, graphql: 10_000, search: 30 };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  state(caller: Caller, resource: RateResource): RateState {
    const window = this.#window(caller, resource);
    const limit = this.limits[resource];
    const used = Math.min(window.used, limit);
    return { resource, limit, used, remaining: limit - used, resetAt: new Date(window.resetAt) };
  }

  /** Counts a request. @throws Refusal 403 when the budget is used up. */
  take(caller: Caller, resource: RateResource, points = 1): void {
    const window = this.#window(caller, resource);
    if (window.used + points > this.limits[resource]) {
      window.used = this.limits[resource];
      const who = caller.kind === "installation" ? `installation ID ${caller.installation.id}` : "user";
      const message = `API rate limit exceeded for ${who}.`;
      throw new Refusal(403, message, { type: "RATE_LIMITED" });
    }
    window.used += points;
  }

  #window(caller: Caller, resource: RateResource): { used: number; resetAt: number } {
    const key = `${resource} ${identity(caller)}`;
    const now = this.#clock.now().getTime();
    const known = this.#windows.get(key);
    if (known !== undefined && known.resetAt > now) return known;
    const fresh = { used: 0, resetAt: now + (resource === "search" ? hourMs / 60 : hourMs) };
    this.#windows.set(key, fresh);
    return fresh;
  }
}

export function rateHeaders(state: RateState): Record<string, string> {
  return {
    "x-ratelimit-limit": String(state.limit),
    "x-ratelimit-remaining": String(state.remaining),
    "x-ratelimit-used": String(state.used),
    "x-ratelimit-reset": String(Math.ceil(state.resetAt.getTime() / 1000)),
    "x-ratelimit-resource": state.resource,
  };
}

function identity(caller: Caller): string {
  if (caller.kind === "installation") return `installation ${caller.installation.id}`;
  return caller.kind === "user" ? `user ${caller.actor.id}` : caller.kind;
}
