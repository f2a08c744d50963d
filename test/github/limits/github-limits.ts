/** Requests or points an hour. Installations get more the more they reach. */
export interface HourlyBudget {
  readonly base: number;
  /** For each repository above twenty, and for each member of the organization above twenty. */
  readonly perExtra: number;
  readonly cap: number;
}

/**
 * How a refusal looks. GitHub documents several shapes and chooses among them by rules of its own, so a test can choose.
 */
export interface RefusalStyle {
  readonly primaryStatus: 403 | 429;
  readonly secondaryStatus: 403 | 429;
  /** GraphQL says a secondary limit with 403, or with 200 and an error in the body. */
  readonly graphqlSecondaryStatus: 200 | 403;
  /** Whether a secondary refusal says how long to wait; without it a client has to wait a minute by itself. */
  readonly withRetryAfter: boolean;
  /** Content that comes too fast: a secondary limit like others, or a 422 "was submitted too quickly". */
  readonly content: "secondary" | "submitted too quickly";
}

/** What one account (an installation, a user, the App itself) may do. */
export interface GitHubLimits {
  readonly core: HourlyBudget;
  readonly graphql: HourlyBudget;
  /** Requests an hour with no credentials. */
  readonly anonymous: number;
  readonly searchAMinute: number;
  readonly codeSearchAMinute: number;
  /** Requests under way at once, REST and GraphQL together. */
  readonly concurrent: number;
  readonly restPointsAMinute: number;
  readonly graphqlPointsAMinute: number;
  readonly contentAMinute: number;
  readonly contentAnHour: number;
  /** How long everything is refused after a secondary limit was passed; a request in that time begins it anew. */
  readonly cooldownMs: number;
  readonly refusals: RefusalStyle;
}

/**
 * Either limits, or one of two ways of having none:
 * `off` counts everything, shows budgets as GitHub does, and refuses nothing;
 * `ghes` is a GitHub Enterprise Server whose administrator set no limits: no headers, no `/rate_limit`, `rateLimit` null.
 */
export type LimitsSetting = "off" | "ghes" | GitHubLimits;

/**
 * As documented for github.com, outside an Enterprise Cloud organization.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 * https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
 *
 * Guesses, since GitHub documents no more: windows of secondary limits slide; REST points are summed over all endpoints
 * (GitHub says "a single endpoint", so this is the stricter reading); the cooldown lasts a minute; CPU time is not counted.
 */
export const documentedLimits: GitHubLimits = {
  core: { base: 5_000, perExtra: 50, cap: 12_500 },
  graphql: { base: 5_000, perExtra: 50, cap: 12_500 },
  anonymous: 60,
  searchAMinute: 30,
  codeSearchAMinute: 9,
  concurrent: 100,
  restPointsAMinute: 900,
  graphqlPointsAMinute: 2_000,
  contentAMinute: 80,
  contentAnHour: 500,
  cooldownMs: 60_000,
  refusals: {
    primaryStatus: 403,
    secondaryStatus: 403,
    graphqlSecondaryStatus: 200,
    withRetryAfter: true,
    content: "secondary",
  },
};

/** As documented for installations in an Enterprise Cloud organization. */
export const enterpriseCloudLimits: GitHubLimits = {
  ...documentedLimits,
  core: { base: 15_000, perExtra: 0, cap: 15_000 },
  graphql: { base: 10_000, perExtra: 0, cap: 10_000 },
};

/** What an hourly budget comes to for an installation that reaches so much. */
export function scaledBudget(
  budget: HourlyBudget,
  reach: { readonly repositories: number; readonly users: number },
): number {
  const extra = Math.max(0, reach.repositories - 20) + Math.max(0, reach.users - 20);
  return Math.max(budget.base, Math.min(budget.cap, budget.base + extra * budget.perExtra));
}
