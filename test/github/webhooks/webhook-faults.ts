import { Hits, seeded, type Frequency } from "../faults/chance.ts";

/**
 * What goes wrong on the way to the App's webhook.
 * - `lose`: GitHub never tries, and its record of deliveries does not know of it
 * - `fail`: GitHub tries and does not reach the receiver; the record has the failure, and it can be redelivered
 * - `duplicate`: it arrives twice under the same id
 * - `delay`: it arrives `ms` later, by the clock
 * - `hold`: it arrives after the next one, or when `settled` is awaited and no other comes
 */
export type WebhookFaultKind = "lose" | "fail" | "duplicate" | "delay" | "hold";

export interface WebhookFault extends Frequency {
  readonly kind: WebhookFaultKind;
  /** The event such as `pull_request`, and its action; any by default. */
  readonly event?: string;
  readonly action?: string;
  /** Of a `delay`. */
  readonly ms?: number;
}

/** Faults of deliveries, in the order they were added: a delivery is hit by the first that fits. */
export class WebhookFaults {
  readonly #random: () => number;
  #active: { readonly fault: WebhookFault; readonly hits: Hits }[] = [];

  /** @param seed of those faults that have a chance: the same one hits the same deliveries again */
  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  /** @throws Error for a delay without its length */
  add(fault: WebhookFault): void {
    if (fault.kind === "delay" && fault.ms === undefined) throw new Error("A delay needs ms, how long it waits.");
    this.#active.push({ fault, hits: new Hits(fault, this.#random) });
  }

  /** Deliveries arrive as they should. */
  clear(): void {
    this.#active = [];
  }

  strike(event: string, action: string | undefined): WebhookFault | undefined {
    return this.#active.find(
      ({ fault, hits }) => (fault.event ?? event) === event && (fault.action ?? action) === action && hits.hit(),
    )?.fault;
  }
}
