import type { PacedOutcome, PacedResource } from "../../ports/pacing.ts";
import type { GitHubAnswer } from "./answer.ts";
import { code, says } from "./answer.ts";

export type Budget = NonNullable<PacedOutcome["budget"]>;

/** How long to leave GitHub alone when it names no time. https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#handle-rate-limit-errors-appropriately */
export const silentWaitMs = 60_000;

/** The budget that an answer was counted against; undefined on a GitHub Enterprise Server without limits. */
export function budgetOf(headers: Headers, asked: PacedResource): Budget | undefined {
  const limit = headers.get("x-ratelimit-limit");
  const remaining = headers.get("x-ratelimit-remaining");
  const reset = headers.get("x-ratelimit-reset");
  if (limit === null || remaining === null || reset === null) return undefined;
  const budget = { limit: Number(limit), remaining: Number(remaining), resetAt: new Date(Number(reset) * 1000) };
  if (![budget.limit, budget.remaining, Number(reset)].every(Number.isFinite)) return undefined;
  return { resource: resources.get(headers.get("x-ratelimit-resource") ?? "") ?? asked, ...budget };
}

const resources: ReadonlyMap<string, PacedResource> = new Map(
  (["core", "graphql", "search", "code_search"] as const).map((each) => [each, each]),
);

export type LimitHit =
  /** The budget of one resource is spent, and renewed at a time that GitHub names. */
  | { readonly kind: "spent"; readonly retryAt: Date }
  /** A secondary limit: everybody who uses the installation has to wait. */
  | { readonly kind: "slow-down"; readonly retryAt: Date; readonly isNamed: boolean };

/**
 * Which limit an answer speaks of, and when to try again; undefined when it is about something else. GraphQL says it with
 * status 200.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 */
export function limitHit(answer: GitHubAnswer, now: Date): LimitHit | undefined {
  const { headers } = answer;
  const retryAfter = Number(headers["retry-after"] ?? Number.NaN);
  const isSpent = String(headers["x-ratelimit-remaining"]) === "0";
  const isSecondary = says(/secondary rate limit|abuse detection|submitted too quickly/i)(answer);
  const isLimit =
    isSecondary ||
    answer.status === 429 ||
    (answer.status === 403 && (isSpent || Number.isFinite(retryAfter))) ||
    code("RATE_LIMITED")(answer) ||
    says(/rate limit/i)(answer);
  if (!isLimit) return undefined;
  if (Number.isFinite(retryAfter)) {
    return { kind: "slow-down", retryAt: new Date(now.getTime() + retryAfter * 1000), isNamed: true };
  }
  const resetAtSeconds = Number(headers["x-ratelimit-reset"] ?? Number.NaN);
  if (isSpent && Number.isFinite(resetAtSeconds)) {
    const retryAt = new Date(Math.max(resetAtSeconds * 1000, now.getTime()));
    return isSecondary ? { kind: "slow-down", retryAt, isNamed: true } : { kind: "spent", retryAt };
  }
  return { kind: "slow-down", retryAt: new Date(now.getTime() + silentWaitMs), isNamed: false };
}
