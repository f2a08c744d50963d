import type { Clock } from "../../ports/clock.ts";

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves it forward by so many milliseconds, not backward. */
  advance(ms: number): void;
  /** Puts it to an instant, earlier or later. */
  set(date: Date): void;
}

/** @throws RangeError from here, `advance` and `set` for what is not an instant. */
export function createManualClock(startAt: Date): ManualClock {
  let nowMs = instantOf(startAt);
  return {
    now: () => new Date(nowMs),
    advance(ms) {
      if (!(ms >= 0))
        throw new RangeError(`A clock advances by zero or more milliseconds, not by ${ms}; use set to go back.`);
      nowMs = instantOf(new Date(nowMs + ms));
    },
    set(date) {
      nowMs = instantOf(date);
    },
  };
}

function instantOf(date: Date): number {
  const ms = date.getTime();
  if (Number.isNaN(ms)) throw new RangeError("A clock shows an instant, and this date is invalid.");
  return ms;
}
