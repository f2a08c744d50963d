import type { Clock } from "./state/world.ts";

/** A clock that can also wake somebody up. */
export interface WakingClock extends Clock {
  /** Resolves once so many milliseconds have passed on it. */
  after(ms: number): Promise<void>;
}

/** A clock that stands still until it is moved: time costs nothing. It is a `ManualClock` of the product, too. */
export interface VirtualClock extends WakingClock {
  /** Moves it forward, not backward, and wakes who waited for a time that has come, in the order of those times. */
  advance(ms: number): void;
  /** Puts it to an instant; going back wakes nobody. */
  set(date: Date): void;
  /** When the next one wants to be woken, if anybody waits. */
  nextWakeAt(): Date | undefined;
}

/** @throws RangeError from `advance` and `set` for what is not an instant, or for going back */
export function createVirtualClock(startAt: Date = new Date("2026-01-01T00:00:00Z")): VirtualClock {
  let nowMs = instantOf(startAt);
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  const moveTo = (ms: number): void => {
    nowMs = ms;
    const due = sleepers.filter(({ at }) => at <= ms).sort((left, right) => left.at - right.at);
    sleepers = sleepers.filter(({ at }) => at > ms);
    for (const { wake } of due) wake();
  };
  return {
    now: () => new Date(nowMs),
    advance(ms) {
      if (!(ms >= 0))
        throw new RangeError(`A clock advances by zero or more milliseconds, not by ${ms}; use set to go back.`);
      moveTo(instantOf(new Date(nowMs + ms)));
    },
    set: (date) => moveTo(instantOf(date)),
    after: (ms) => (ms <= 0 ? Promise.resolve() : new Promise((wake) => sleepers.push({ at: nowMs + ms, wake }))),
    nextWakeAt: () => (sleepers.length === 0 ? undefined : new Date(Math.min(...sleepers.map(({ at }) => at)))),
  };
}

/** Waits on the clock where it can wake; a clock that only tells the time leaves it to the machine's timers. */
export function waitOn(clock: Clock, ms: number): Promise<void> {
  if ("after" in clock && typeof clock.after === "function") {
    // What has `after` is a WakingClock.
    return (clock as WakingClock).after(ms);
  }
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

function instantOf(date: Date): number {
  const ms = date.getTime();
  if (Number.isNaN(ms)) throw new RangeError("A clock shows an instant, and this date is invalid.");
  return ms;
}
