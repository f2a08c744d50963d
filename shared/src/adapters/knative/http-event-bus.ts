import { EventBusUnavailable, type EventBus } from "#shared/ports/event-bus.ts";
import { writeEvent } from "./cloud-events.ts";

export interface HttpEventBusOptions {
  /** The broker's ingress: the address of the Broker, which Knative calls `K_SINK`. */
  readonly sinkUrl: string | URL;
  /** How long one publish may take before the broker counts as unavailable. */
  readonly timeoutMs: number;
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Publishes to a broker's HTTP ingress in binary mode, once: what was not accepted stays in the outbox.
 *
 * Besides EventBusUnavailable, publish throws InvalidEvent for an event that no broker would take.
 */
export function createHttpEventBus({ timeoutMs, fetch = globalThis.fetch, ...options }: HttpEventBusOptions): EventBus {
  const sinkUrl = new URL(options.sinkUrl);
  return {
    async publish(event) {
      const { headers, body } = writeEvent(event);
      const what = `Publishing event ${event.id} (${event.type}) to ${sinkUrl.origin}${sinkUrl.pathname}`;
      let status: number;
      let answer: string;
      try {
        // Bytes, since fetch gives a string a content type of its own.
        const request = { method: "POST", headers, body: Buffer.from(body), redirect: "manual" } as const;
        const response = await fetch(sinkUrl, { ...request, signal: AbortSignal.timeout(timeoutMs) });
        status = response.status;
        answer = await response.text();
      } catch (cause) {
        throw new EventBusUnavailable(`${what} got no answer within ${timeoutMs} ms, or no connection.`, { cause });
      }
      if (status < 200 || status > 299) {
        throw new EventBusUnavailable(
          `${what} was answered ${status}${answer === "" ? "" : `: ${answer.slice(0, 300)}`}`,
        );
      }
    },
  };
}
