import type { Budget } from "../rate-limits.ts";
import type { GitHubOutcome, GitHubRequestRecord } from "../request-record.ts";

export interface GitHubRequestTotal {
  readonly operation: string;
  readonly outcome: GitHubOutcome;
  readonly requests: number;
  readonly totalMs: number;
}

/** How many requests of each kind went how. There are as many entries as GitHub has endpoints that we use. */
export interface GitHubRequestCounters {
  /** Hand it to `createGitHubCodeHost` as `onRequest`. */
  readonly record: (record: GitHubRequestRecord) => void;
  /** By operation, then outcome. */
  totals(): readonly GitHubRequestTotal[];
  /** The budget of each installation and resource as GitHub last told it. */
  budgets(): readonly (Budget & { readonly installation: string })[];
}

export function createGitHubRequestCounters(): GitHubRequestCounters {
  const totals = new Map<string, GitHubRequestTotal>();
  const budgets = new Map<string, Budget & { readonly installation: string }>();
  return {
    record({ operation, outcome, durationMs, installation, budget }) {
      const key = `${operation} ${outcome}`;
      const { requests, totalMs } = totals.get(key) ?? { requests: 0, totalMs: 0 };
      totals.set(key, { operation, outcome, requests: requests + 1, totalMs: totalMs + durationMs });
      if (budget) budgets.set(`${installation} ${budget.resource}`, { installation, ...budget });
    },
    totals: () => [...totals].toSorted(byKey).map(([, total]) => total),
    budgets: () => [...budgets].toSorted(byKey).map(([, budget]) => budget),
  };
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
