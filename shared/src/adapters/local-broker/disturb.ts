import type { BusEvent } from "#shared/ports/event-bus.ts";
import type { Trigger } from "./manifests.ts";
import type { Timers } from "./timers.ts";

/** Delivers an event to a Trigger's subscriber; settles when that is over, one way or the other. Never rejects. */
export type Dispatch = (trigger: Trigger, event: BusEvent, timeToLive: number) => Promise<void>;

/** What "at least once, in any order" allows, made to happen. */
export interface Disturbance {
  /** Every event is delivered twice. */
  readonly duplicate?: boolean;
  /** Every delivery is held back for a random time up to this many milliseconds, so that later ones overtake it. */
  readonly shuffleWithinMs?: number;
}

export function disturb(dispatch: Dispatch, disturbance: Disturbance, timers: Timers, random: () => number): Dispatch {
  const { duplicate = false, shuffleWithinMs = 0 } = disturbance;
  const late: Dispatch = async (...delivery) => {
    if (shuffleWithinMs > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      timers.after(random() * shuffleWithinMs, resolve);
      await promise;
    }
    await dispatch(...delivery);
  };
  if (!duplicate) return late;
  return async (...delivery) => {
    await Promise.all([late(...delivery), late(...delivery)]);
  };
}
