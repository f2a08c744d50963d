import type { GitHubAnswer } from "./answer.ts";

/** How this machine's clock and GitHub's differ. */
export interface ClockDifference {
  /** How much GitHub's is ahead; negative when it is behind. */
  readonly aheadMs: number;
  /** Both times and the difference, as one sentence for people. */
  readonly say: string;
}

/** What the Date header of an answer shows, to the second; undefined when it has none. */
export function clocksOf(answer: GitHubAnswer, now: Date): ClockDifference | undefined {
  const dateMs = Date.parse(String(answer.headers["date"] ?? ""));
  if (Number.isNaN(dateMs)) return undefined;
  const aheadMs = dateMs - now.getTime();
  const apart = `${durationOf(Math.abs(aheadMs))} ${aheadMs > 0 ? "behind" : "ahead"}`;
  const times = `this machine's clock shows ${now.toISOString()}, GitHub's ${new Date(dateMs).toISOString()}`;
  return { aheadMs, say: `${times}: this machine's is ${apart}. Set it by NTP.` };
}

function durationOf(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
