/**
 * What was used in the last stretch of time. Uses that come close together are put together, so its size has a bound
 * however much it counts; each leaves only when no stretch of that length can hold it any more.
 */
export interface SlidingWindow {
  /** All that counts now, requests under way included. */
  used: number;
  /** When the finished ones leave, in order: [instant in ms, how much]. */
  leaving: [leavesAt: number, amount: number][];
}

/** Uses within so long count as one: a hundredth of the stretch, and at most 3 s. */
function partOf(lengthMs: number): number {
  return Math.min(lengthMs / 100, 3000);
}

/**
 * When a use at `at` leaves: always after `at + lengthMs`, so no two uses that share a stretch are counted apart, and at
 * most a hundredth later, so at least 99 % of the limit can be used for ever.
 */
export function leavesAt(at: number, lengthMs: number): number {
  const part = partOf(lengthMs);
  return (Math.floor(at / part) + 1) * part + lengthMs;
}

/** A request under way has ended at the latest now: from here on time can carry it out of the window. */
export function startLeaving(window: SlidingWindow, amount: number, at: number, lengthMs: number): void {
  const last = window.leaving.at(-1);
  const leaves = Math.max(leavesAt(at, lengthMs), last?.[0] ?? 0);
  if (last?.[0] === leaves) last[1] += amount;
  else window.leaving.push([leaves, amount]);
}

export function letLeave(window: SlidingWindow, now: number): void {
  const first = window.leaving.findIndex(([leaves]) => leaves > now);
  for (const [, amount] of window.leaving.splice(0, first === -1 ? window.leaving.length : first))
    window.used -= amount;
}

/** The first instant with room for `amount` below `limit`; now or earlier when there is. More than the limit asks for all of it. */
export function roomAt(window: SlidingWindow, amount: number, limit: number, now: number, lengthMs: number): number {
  let missing = window.used + Math.min(amount, limit) - limit;
  if (missing <= 0) return now;
  for (const [leaves, left] of window.leaving) {
    missing -= left;
    if (missing <= 0) return leaves;
  }
  // The rest is under way: at the very earliest it ends now.
  return leavesAt(now, lengthMs);
}
