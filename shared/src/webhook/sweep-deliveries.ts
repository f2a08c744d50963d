import type { Clock } from "#shared/ports/clock.ts";
import { CodeHostRefused } from "#shared/ports/code-host.ts";
import type { FailedDelivery, HostApp } from "#shared/ports/host-app.ts";
import type { DeliveryStore } from "./delivery-store.ts";
import { isHeeded } from "./plan-webhook.ts";

/** How often the sweep comes. */
export const deliverySweepEveryMs = 5 * 60_000;

/** GitHub forgets a delivery after three days, Enterprise Server after seven. */
const lookBackMs = 3 * 24 * 60 * 60_000;

/** Twenty requests for the list. What failed before so many others has been seen by the sweep of pull requests. */
const listedAtMost = 2000;

/** In one sweep: the App's budget at the code host is for tokens, too. The rest has its turn at the next. */
const redeliveredAtMost = 100;

/** How long a sweep asks, should the code host be slow: whoever sweeps has other work. */
const asksForMs = 60_000;

/** Attempts are 1, 4, 16, 64 and 256 minutes apart: enough for an outage of some hours. */
const firstPauseMs = 60_000;
const pauseGrowth = 4;
const maxAttempts = 6;

export type DeliveryPlan =
  | { readonly kind: "redeliver"; readonly delivery: FailedDelivery }
  | { readonly kind: "leave"; readonly because: string }
  /** `isNew` at the first sweep after the last attempt. */
  | { readonly kind: "give-up"; readonly delivery: FailedDelivery; readonly isNew: boolean };

/** Decides what becomes of a delivery that failed, from what the code host and our own table say of it. */
export function planDelivery(delivery: FailedDelivery, isProcessed: boolean, at: Date): DeliveryPlan {
  const { event, attempts, attemptedAt } = delivery;
  if (isProcessed) return { kind: "leave", because: "a later attempt was processed" };
  if (!isHeeded(event)) return { kind: "leave", because: `nothing depends on ${event} events` };
  const agoMs = at.getTime() - attemptedAt.getTime();
  if (attempts >= maxAttempts) return { kind: "give-up", delivery, isNew: agoMs < 1.5 * deliverySweepEveryMs };
  const pauseMs = firstPauseMs * pauseGrowth ** (attempts - 1);
  if (agoMs < pauseMs) return { kind: "leave", because: `attempt ${attempts + 1} has its time` };
  return { kind: "redeliver", delivery };
}

/** What became of the deliveries that failed. */
export interface DeliverySweep {
  readonly redelivered: readonly FailedDelivery[];
  /** The code host does not make these again, and says why. They count as processed from now on. */
  readonly refused: readonly { readonly delivery: FailedDelivery; readonly because: string }[];
  /** Those that nobody was told of before. */
  readonly givenUp: readonly FailedDelivery[];
}

/**
 * Has the code host make deliveries again that it could not make, the newest first.
 *
 * Safe at any moment and twice: it keeps nothing, all is in the code host's list and in the table of what was processed;
 * and a delivery that comes twice is acted on once. When the code host stops it in the middle, the next sweep goes on.
 *
 * @throws CodeHostUnavailable, CodeHostBusy or CodeHostRefused when the code host does not answer for the App as a whole.
 */
export async function sweepDeliveries(
  {
    hostApp,
    deliveries,
    clock,
  }: { readonly hostApp: HostApp; readonly deliveries: DeliveryStore; readonly clock: Clock },
  at: Date,
): Promise<DeliverySweep> {
  const since = new Date(at.getTime() - lookBackMs);
  const failed = await hostApp.failedDeliveries({ since, atMost: listedAtMost });
  const processed = await deliveries.processed(failed.map(({ guid }) => guid));
  const plans = failed.map((delivery) => planDelivery(delivery, processed.has(delivery.guid), at));

  const redelivered: FailedDelivery[] = [];
  const refused: { readonly delivery: FailedDelivery; readonly because: string }[] = [];
  const wanted = plans.flatMap((plan) => (plan.kind === "redeliver" ? [plan.delivery] : []));
  for (const delivery of wanted.slice(0, redeliveredAtMost)) {
    if (clock.now().getTime() - at.getTime() >= asksForMs) break;
    try {
      await hostApp.redeliver(delivery.attemptId);
      redelivered.push(delivery);
    } catch (error) {
      if (!isAboutOne(error)) throw error;
      const { guid, event } = delivery;
      // Or it would be asked for in every sweep. That it came to nothing does no harm: the sweeps of pull requests and of
      // installations see what it was to tell.
      await deliveries.add({ id: guid, event, receivedAt: at, outcome: `not made again: ${error.message}` });
      refused.push({ delivery, because: error.message });
    }
  }
  const givenUp = plans.flatMap((plan) => (plan.kind === "give-up" && plan.isNew ? [plan.delivery] : []));
  return { redelivered, refused, givenUp };
}

/** It has expired, or cannot be made again: the others may still be. */
function isAboutOne(error: unknown): error is CodeHostRefused {
  return error instanceof CodeHostRefused && (error.kind === "not-found" || error.kind === "invalid");
}
