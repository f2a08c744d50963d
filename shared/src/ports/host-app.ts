import type { Installation } from "./code-host.ts";

/** A webhook delivery with attempts that failed. */
export interface FailedDelivery {
  /** What the receiver gets as its id: all attempts of a delivery share it. */
  readonly guid: string;
  /** Of the newest attempt that failed: what `redeliver` takes. */
  readonly attemptId: string;
  /** The name of the event, such as `pull_request`. */
  readonly event: string;
  /** How many failed. */
  readonly attempts: number;
  /** When the newest of them was made. */
  readonly attemptedAt: Date;
  /** What the code host says of it, for people: "502 failed to connect to host". */
  readonly because: string;
}

/**
 * The App as the code host knows it: where it is installed, and what became of its webhooks.
 *
 * Any method may throw CodeHostUnavailable (try again), CodeHostBusy (try again at a time) or CodeHostRefused (a person
 * has to act).
 */
export interface HostApp {
  /** Where the App is installed, each account once, suspended ones too. */
  installations(): Promise<readonly Installation[]>;

  /**
   * Deliveries of which an attempt failed since then, each once, the newest attempt first; the `atMost` newest of them.
   * The code host forgets after some days. It lists failures alone, so one that a later attempt has delivered is still
   * among them: whoever received it knows. An attempt that has no answer yet is not shown.
   */
  failedDeliveries(query: { readonly since: Date; readonly atMost: number }): Promise<readonly FailedDelivery[]>;

  /**
   * Asks for one more attempt, which comes as any other, under the same id. Asking twice makes two attempts: the receiver
   * acts on the first.
   * @throws CodeHostRefused with `kind: "not-found"` or `"invalid"` when this delivery cannot be made again.
   */
  redeliver(attemptId: string): Promise<void>;

  /** Resolves when the App's key is accepted. @throws CodeHostRefused or CodeHostUnavailable saying what is wrong. */
  check(): Promise<void>;
}
