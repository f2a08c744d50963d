import { writeEvent } from "#shared/adapters/knative/cloud-events.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import type { Answer } from "./retry-policy.ts";
import type { Timers } from "./timers.ts";

/** Kafka's limit; an event that came in below it may have grown by what the broker adds, so this is not the ingress's. */
const maxBytes = 1024 * 1024;

export interface PostOptions {
  /** How long to wait for the whole answer; undefined is as long as it takes. */
  readonly timeoutMs: number | undefined;
  readonly timers: Timers;
  /** Aborted when even requests under way shall end. */
  readonly signal: AbortSignal;
  readonly fetch: typeof globalThis.fetch;
}

/** Sends an event in binary mode as Knative's dispatcher does. Never rejects: no answer is an answer. */
export async function postEvent(
  url: URL,
  event: BusEvent,
  { timeoutMs, timers, signal, fetch }: PostOptions,
): Promise<Answer> {
  const ending = new AbortController();
  const end = () => ending.abort(signal.reason);
  const cancel =
    timeoutMs === undefined
      ? undefined
      : timers.after(timeoutMs, () => ending.abort(new Error(`no answer within ${timeoutMs} ms`)));
  signal.addEventListener("abort", end);
  try {
    signal.throwIfAborted();
    const { headers, body } = writeEvent(event, "binary", maxBytes);
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, prefer: "reply" },
      body: Buffer.from(body),
      redirect: "manual",
      signal: ending.signal,
    });
    const answer = Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: Object.fromEntries(response.headers), body: answer };
  } catch (error) {
    return { status: undefined, because: because(error) };
  } finally {
    cancel?.();
    signal.removeEventListener("abort", end);
  }
}

/** fetch says "fetch failed" and hides what failed in the cause. */
function because(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
