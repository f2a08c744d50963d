import type { Clock } from "#shared/ports/clock.ts";

/** A clock that can also be waited for. */
export interface Timers extends Clock {
  /** Calls `run` once after `delayMs`, unless the returned function has been called before. */
  after(delayMs: number, run: () => void): () => void;
}

/** The machine's own time. */
export const systemTimers: Timers = {
  now: () => new Date(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs`; at once when `signal` is or gets aborted. */
export async function wait(timers: Timers, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || delayMs <= 0) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  const cancel = timers.after(delayMs, stop);
  signal.addEventListener("abort", stop);
  await promise;
  signal.removeEventListener("abort", stop);
  cancel();
}
