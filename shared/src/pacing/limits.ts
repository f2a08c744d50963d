import type { PacedResource } from "../ports/pacing.ts";

/** At most `limit` in any stretch of `lengthMs`, wherever it begins. */
export interface PacingWindow {
  /** Names it among the others; also for people: "80 new contents a minute". */
  readonly name: string;
  readonly limit: number;
  readonly lengthMs: number;
  readonly resources: readonly PacedResource[];
  /** What it adds up: a request each, a read's one point and a write's five, or only requests that create content. */
  readonly counts: "requests" | "points" | "content";
}

/** What an installation may do. All adapters take it as an argument. */
export interface PacingLimits {
  readonly concurrent: {
    /** Requests under way at once. */
    readonly requests: number;
    /** Writes among them. */
    readonly writes: number;
    /** Requests among them that create content: with 1, a limit that GitHub lowered silently refuses no second one. */
    readonly content: number;
    /** What the server stands. When the count of requests under way was lost, only the rest up to it is given out. */
    readonly serverRequests: number;
  };
  /** When a turn that was never given back counts as lost. Longer than any request takes, its time-out included. */
  readonly leaseMs: number;
  /** The share of a resource's primary budget, and for sweeps of the points a minute, that is kept for the more urgent. */
  readonly keep: { readonly publishWrite: number; readonly publishRead: number; readonly sweep: number };
  readonly windows: readonly PacingWindow[];
}

/** What an operator may want to change, since GitHub does not promise it, or an admin of GHES has set it. */
export interface PacingSettings {
  readonly concurrentRequests?: number;
  readonly contentPerMinute?: number;
  readonly contentPerHour?: number;
}

/** What a write counts where a read counts one. */
export const writePoints = 5;

/** REST and GraphQL together. */
const serverRequests = 100;

const minuteMs = 60_000;
const everything: readonly PacedResource[] = ["core", "graphql", "search", "code_search"];
const rest: readonly PacedResource[] = ["core", "search", "code_search"];

/**
 * GitHub.com's limits as documented. Primary budgets are not among them: they differ by installation, and each answer
 * tells them.
 *
 * - concurrent requests, points, content:
 *   https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
 *   and https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
 * - writes and content one after another or few at once:
 *   https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
 * - search: https://docs.github.com/en/rest/search/search#rate-limit (code search documented as 10, seen to be 9)
 *
 * @throws RangeError when a setting is not a whole number of at least 1, or concurrentRequests above GitHub's 100.
 */
export function githubLimits(settings: PacingSettings = {}): PacingLimits {
  const { concurrentRequests = 60, contentPerMinute = 80, contentPerHour = 500 } = settings;
  check({ concurrentRequests }, serverRequests);
  check({ contentPerMinute, contentPerHour });
  return {
    concurrent: {
      requests: concurrentRequests,
      writes: Math.ceil(concurrentRequests / 3),
      content: 1,
      serverRequests,
    },
    leaseMs: 30_000,
    keep: { publishWrite: 0.02, publishRead: 0.05, sweep: 0.2 },
    windows: [
      { name: "REST points a minute", limit: 900, lengthMs: minuteMs, resources: rest, counts: "points" },
      { name: "GraphQL points a minute", limit: 2000, lengthMs: minuteMs, resources: ["graphql"], counts: "points" },
      {
        name: "new contents a minute",
        limit: contentPerMinute,
        lengthMs: minuteMs,
        resources: everything,
        counts: "content",
      },
      {
        name: "new contents an hour",
        limit: contentPerHour,
        lengthMs: 60 * minuteMs,
        resources: everything,
        counts: "content",
      },
      { name: "searches a minute", limit: 30, lengthMs: minuteMs, resources: ["search"], counts: "requests" },
      { name: "code searches a minute", limit: 9, lengthMs: minuteMs, resources: ["code_search"], counts: "requests" },
    ],
  };
}

/**
 * For a GitHub Enterprise Server whose limits are off, its default. What a server says all the same is obeyed: budgets
 * in headers, and a request to slow down.
 */
export function limitsOff({ concurrentRequests = 60 }: Pick<PacingSettings, "concurrentRequests"> = {}): PacingLimits {
  check({ concurrentRequests });
  const requests = concurrentRequests;
  return {
    ...githubLimits(),
    concurrent: { requests, writes: requests, content: requests, serverRequests: 2 * requests },
    windows: [],
  };
}

function check(settings: Readonly<Record<string, number>>, most = Number.MAX_SAFE_INTEGER): void {
  for (const [name, value] of Object.entries(settings)) {
    if (Number.isSafeInteger(value) && value >= 1 && value <= most) continue;
    const range = most === Number.MAX_SAFE_INTEGER ? "of at least 1" : `from 1 to ${most}`;
    throw new RangeError(`The pacing setting ${name} is ${value}; give a whole number ${range}.`);
  }
}
