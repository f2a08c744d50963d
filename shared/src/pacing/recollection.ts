import { writePoints, type PacingLimits, type PacingWindow } from "./limits.ts";
import { windowOf, type PacingState } from "./pacing-state.ts";
import { leavesAt } from "./sliding-window.ts";

/** What is known of an installation elsewhere when its state has been lost. */
export interface Remembered {
  /** When content was created, as the audit log has it: the last hour is enough. */
  readonly contentCreatedAt: readonly Date[];
  /** When the asking process itself last had a turn or gave one back. */
  readonly lastTurnAt?: Date;
}

/**
 * Tells from the audit log when an installation created content within the last hour. It is asked only when nothing is
 * known of the installation: the state was emptied, or this is its first request. What it throws, `take` throws.
 */
export type Recall = (installation: string, now: Date) => Promise<{ readonly contentCreatedAt: readonly Date[] }>;

/** How a state that was lost begins again, as plain data. */
export interface Recollection {
  /** [window's name, when it leaves, how much], in order. */
  readonly uses: readonly (readonly [name: string, leavesAt: number, amount: number])[];
  readonly unsureUntil: number;
}

/** Whoever worked within this time may work now, in another process. */
const latelyMs = 3_600_000;

/**
 * Counts what is known. Where requests were made lately, what cannot be known counts as the worst it can be: points and
 * searches as used up by now, and as many requests as may be under way as answered at the end of their lease. So no limit
 * is passed, and everybody waits for about a minute. An installation of which nothing is known begins with nothing used.
 */
export function recollect(limits: PacingLimits, remembered: Remembered, now: Date): Recollection {
  const nowMs = now.getTime();
  const created = remembered.contentCreatedAt.map((at) => at.getTime());
  const lastAt = Math.max(remembered.lastTurnAt?.getTime() ?? 0, ...created);
  const busy = lastAt > nowMs - latelyMs;
  const unsureUntil = busy ? nowMs + limits.leaseMs : 0;
  const uses = limits.windows.flatMap((window) => {
    const { name, limit, lengthMs, counts } = window;
    const counted = new Map<number, number>();
    const count = (at: number, amount: number) => {
      const leaves = leavesAt(at, lengthMs);
      if (leaves > nowMs && amount > 0) counted.set(leaves, (counted.get(leaves) ?? 0) + amount);
    };
    const underWay = Math.min(limit, mostUnderWay(limits, window));
    if (counts === "content") for (const at of created) count(Math.min(at, nowMs), 1);
    else if (busy) count(nowMs, limit - underWay);
    if (busy) count(unsureUntil, underWay);
    return [...counted].toSorted(([a], [b]) => a - b).map(([leaves, amount]) => [name, leaves, amount] as const);
  });
  return { uses, unsureUntil };
}

function mostUnderWay({ concurrent }: PacingLimits, { counts }: PacingWindow): number {
  if (counts === "content") return concurrent.content;
  return counts === "points" ? concurrent.requests + (writePoints - 1) * concurrent.writes : concurrent.requests;
}

export function begin(state: PacingState, { uses, unsureUntil }: Recollection): void {
  for (const [name, leaves, amount] of uses) {
    const window = windowOf(state, name);
    window.used += amount;
    window.leaving.push([leaves, amount]);
  }
  state.unsureUntil = unsureUntil;
}
