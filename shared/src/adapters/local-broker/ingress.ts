import type { IncomingMessage, ServerResponse } from "node:http";
import { InvalidEvent, readEvent, type EventMessage } from "#shared/adapters/knative/cloud-events.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import type { Clock } from "#shared/ports/clock.ts";

/** A little below Kafka's 1 MiB, which includes what the broker adds. */
const maxBodyBytes = 1_000_000;

export interface IngressOptions {
  /** `/<namespace>/<broker>`, as at Knative's ingress. */
  readonly path: string;
  readonly clock: Clock;
  /** Takes an event, or says why not. */
  readonly accept: (event: BusEvent) => Acceptance;
}

/** 503 when the broker is closing, 400 when the event has been routed in circles. */
export type Acceptance = { readonly status: 202 } | { readonly status: 400 | 413 | 503; readonly because: string };

/** What the ingress answers to an event as it came in, over HTTP or from this process. */
export function receive({ headers, body }: EventMessage, { clock, accept }: Omit<IngressOptions, "path">): Acceptance {
  if (body.length > maxBodyBytes) return tooLarge;
  try {
    return accept(readEvent({ headers, body }, clock.now()));
  } catch (error) {
    if (error instanceof InvalidEvent) return { status: 400, because: error.message };
    throw error;
  }
}

const tooLarge: Acceptance = { status: 413, because: `The event is larger than ${maxBodyBytes} bytes.` };

/** Answers as Knative's broker ingress does: 202 when the event was taken, 400 with the reason when it is malformed. */
export function createIngress({
  path,
  clock,
  accept,
}: IngressOptions): (request: IncomingMessage, response: ServerResponse) => void {
  async function receiveRequest(request: IncomingMessage): Promise<Acceptance> {
    const chunks = new Array<Buffer>();
    let sizeBytes = 0;
    // A request's chunks are Buffers as long as nobody sets an encoding.
    for await (const chunk of request as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      // What is too large is read to its end, so that the sender gets to see the answer.
      if (sizeBytes <= maxBodyBytes) chunks.push(chunk);
    }
    if (sizeBytes > maxBodyBytes) return tooLarge;
    return receive({ headers: request.headers, body: Buffer.concat(chunks) }, { clock, accept });
  }

  return (request, response) => {
    const answer = (status: number, because = "", headers: Record<string, string> = {}) => {
      response.writeHead(status, { allow: "POST, OPTIONS", ...headers }).end(because);
    };
    if (request.method === "OPTIONS") {
      answer(200, "", { "webhook-allowed-origin": "*", "webhook-allowed-rate": "*" });
    } else if (request.method !== "POST") {
      answer(405);
    } else if (request.url?.replace(/\/$/, "") !== path) {
      answer(404, `There is no broker at ${request.url ?? "/"}; the address is ${path}.`);
    } else {
      receiveRequest(request).then(
        (accepted) => answer(accepted.status, "because" in accepted ? accepted.because : ""),
        // The sender has hung up.
        () => response.destroy(),
      );
    }
  };
}
