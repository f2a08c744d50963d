import type { Timers } from "./timers.ts";

/** Time that passes only when a test says so. */
export interface ManualTimers extends Timers {
  /** Waits until something waits, passes the time until the first of them is due, and answers how long that was. */
  passToNext(): Promise<number>;
  /** How long each of those who wait still has to wait, in milliseconds, shortest first. */
  waiting(): readonly number[];
}

interface Waiter {
  readonly dueAt: number;
  readonly run: () => void;
}

export function createManualTimers(start = new Date("2026-01-01T00:00:00.000Z")): ManualTimers {
  let now = start.getTime();
  const waiters = new Set<Waiter>();
  let arrival = Promise.withResolvers<void>();
  const sorted = () => [...waiters].sort((a, b) => a.dueAt - b.dueAt);

  return {
    now: () => new Date(now),
    after(delayMs, run) {
      const waiter = { dueAt: now + delayMs, run };
      waiters.add(waiter);
      arrival.resolve();
      return () => waiters.delete(waiter);
    },
    async passToNext() {
      let [next] = sorted();
      while (next === undefined) {
        arrival = Promise.withResolvers();
        await arrival.promise;
        [next] = sorted();
      }
      const passedMs = next.dueAt - now;
      now = next.dueAt;
      waiters.delete(next);
      next.run();
      return passedMs;
    },
    waiting: () => sorted().map(({ dueAt }) => dueAt - now),
  };
}
