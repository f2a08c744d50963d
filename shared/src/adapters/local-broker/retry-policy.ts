import { durationMs } from "./iso-duration.ts";
import type { Delivery } from "./manifests.ts";

/** What came back from a request; without a status nothing did. */
export type Answer =
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Buffer }
  | { readonly status: undefined; readonly because: string };

/** How a delivery is repeated. */
export interface RetryPolicy {
  /** Attempts after the first. */
  readonly retries: number;
  /** How long one attempt may take; undefined is as long as it takes. */
  readonly timeoutMs: number | undefined;
  /** How long to wait before the retry with this number, counted from 0, after this answer. */
  delayMs(retry: number, answer: Answer, now: Date): number;
}

/** What a Broker without a delivery of its own gets, in an installation without other defaults. */
export const defaultDelivery: Delivery = { retry: 10, backoffPolicy: "exponential", backoffDelay: "PT0.2S" };

/**
 * A manifest's delivery as Knative's dispatcher reads it: exponential waits delay·2ⁿ, linear waits delay·n, so that its
 * first retry comes at once; without both policy and delay there is no wait. `Retry-After` of a 429 or 503 makes the
 * wait longer, never shorter, and counts only when `retryAfterMax` is set, up to that.
 * https://github.com/knative/eventing/blob/main/pkg/kncloudevents/retries.go
 */
export function retryPolicy(delivery: Delivery): RetryPolicy {
  const { retry = 0, backoffPolicy, backoffDelay, timeout, retryAfterMax } = delivery;
  const delayMs = durationMs(backoffDelay ?? "PT0S") ?? 0;
  const retryAfterMaxMs = durationMs(retryAfterMax ?? "PT0S") ?? 0;
  const factor = (n: number) => (backoffPolicy === undefined ? 0 : backoffPolicy === "linear" ? n : 2 ** n);
  return {
    retries: retry,
    // An explicit zero is no limit either.
    timeoutMs: timeout === undefined ? undefined : durationMs(timeout) || undefined,
    delayMs: (n, answer, now) => Math.max(delayMs * factor(n), Math.min(retryAfterMs(answer, now), retryAfterMaxMs)),
  };
}

/**
 * Whether an answer that is no success is worth another attempt.
 * https://github.com/knative/specs/blob/main/specs/eventing/data-plane.md#event-delivery-retry
 */
export function isRetried({ status }: Pick<Answer, "status">): boolean {
  return status === undefined || status >= 500 || [404, 408, 409, 429].includes(status);
}

function retryAfterMs(answer: Answer, now: Date): number {
  if (answer.status !== 429 && answer.status !== 503) return 0;
  const header = answer.headers["retry-after"]?.trim() ?? "";
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const at = new Date(header).getTime();
  return Number.isNaN(at) ? 0 : Math.max(0, at - now.getTime());
}
