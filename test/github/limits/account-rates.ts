import { Budget, Meter } from "./meter.ts";

export const rateResources = ["core", "graphql", "search", "code_search"] as const;

export type RateResource = (typeof rateResources)[number];

const minuteMs = 60_000;
const hourMs = 3_600_000;

/** What counts against one account. */
export class AccountRates {
  readonly budgets: Readonly<Record<RateResource, Budget>> = {
    core: new Budget(hourMs),
    graphql: new Budget(hourMs),
    search: new Budget(minuteMs),
    code_search: new Budget(minuteMs),
  };
  readonly restPoints = new Meter(minuteMs);
  readonly graphqlPoints = new Meter(minuteMs);
  readonly contentAMinute = new Meter(minuteMs);
  readonly contentAnHour = new Meter(hourMs);
  concurrent = 0;
  peakConcurrent = 0;
  /** Until then everything is refused. */
  cooldownUntil = 0;
}

/**
 * The most that an account ever asked for at once. What was refused for passing a limit is in it: a peak above the
 * limit says that the limit was passed.
 */
export interface RatePeaks {
  readonly concurrent: number;
  readonly restPointsAMinute: number;
  readonly graphqlPointsAMinute: number;
  readonly contentAMinute: number;
  readonly contentAnHour: number;
  readonly coreAnHour: number;
  readonly graphqlAnHour: number;
  readonly searchAMinute: number;
  readonly codeSearchAMinute: number;
}

export function peaksOf(rates: AccountRates): RatePeaks {
  const { budgets } = rates;
  return {
    concurrent: rates.peakConcurrent,
    restPointsAMinute: rates.restPoints.peak,
    graphqlPointsAMinute: rates.graphqlPoints.peak,
    contentAMinute: rates.contentAMinute.peak,
    contentAnHour: rates.contentAnHour.peak,
    coreAnHour: budgets.core.peak,
    graphqlAnHour: budgets.graphql.peak,
    searchAMinute: budgets.search.peak,
    codeSearchAMinute: budgets.code_search.peak,
  };
}
