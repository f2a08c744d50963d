import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { readEvent, type EventMessage } from "#shared/adapters/knative/cloud-events.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import type { BrokerLog } from "./dispatcher.ts";
import {
  manifestSchemas,
  type Delivery,
  type Filter,
  type Manifests,
  type Service,
  type Trigger,
} from "./manifests.ts";

const metadata = (name: string) => ({ name, namespace: "octobatch" });

export const toService = (name: string) => ({
  ref: { apiVersion: "serving.knative.dev/v1" as const, kind: "Service" as const, name },
});

export function aTrigger(
  name: string,
  spec: { delivery?: Delivery; filters?: Filter[]; filter?: { attributes: Record<string, string> } } = {},
): Trigger {
  const resource = { metadata: metadata(name), spec: { broker: "octobatch", subscriber: toService(name), ...spec } };
  return manifestSchemas["eventing.knative.dev/v1 Trigger"].parse(resource);
}

export function aService(name: string, { maxScale = 0, containerConcurrency = 0 } = {}): Service {
  return manifestSchemas["serving.knative.dev/v1 Service"].parse({
    metadata: metadata(name),
    spec: {
      template: {
        metadata: { annotations: { "autoscaling.knative.dev/max-scale": String(maxScale) } },
        spec: { containerConcurrency, containers: [{ image: "octobatch" }] },
      },
    },
  });
}

/** A Broker without retries that buries at `bury`, the given Triggers, and a Service for each and for `bury`. */
export function someManifests(triggers: readonly Trigger[], services: readonly Service[] = []): Manifests {
  const named = new Set(services.map((service) => service.metadata.name));
  const others = ["bury", ...triggers.map((trigger) => trigger.metadata.name)].filter((name) => !named.has(name));
  return {
    brokers: [
      manifestSchemas["eventing.knative.dev/v1 Broker"].parse({
        metadata: metadata("octobatch"),
        spec: { delivery: { deadLetterSink: toService("bury") } },
      }),
    ],
    triggers,
    pingSources: [],
    services: [...services, ...others.map((name) => aService(name))],
  };
}

/** What a subscriber answers: a status, or all of it. */
export type SubscriberAnswer = number | { status: number; headers?: Record<string, string>; body?: string };

/** A server that is every Service: the first part of the path says which. */
export interface Subscribers {
  resolve(this: void, serviceName: string): URL;
  /** What a Service received, in order. */
  received(serviceName: string): readonly BusEvent[];
  /** Requests that are being answered right now, and the most there have been. */
  readonly load: { now: number; most: number };
  close(): Promise<void>;
}

/** Starts {@link Subscribers}; by default they accept with 202. */
export async function startSubscribers(
  answer: (
    serviceName: string,
    event: BusEvent,
    attempt: number,
  ) => SubscriberAnswer | Promise<SubscriberAnswer> = () => 202,
): Promise<Subscribers> {
  const received = new Map<string, BusEvent[]>();
  const load = { now: 0, most: 0 };
  const server = createServer((request, response) => {
    const serve = async () => {
      load.now++;
      load.most = Math.max(load.most, load.now);
      const name = request.url?.split("/")[1] ?? "";
      const event = readEvent({ headers: request.headers, body: await bodyOf(request) }, new Date(0));
      const events = [...(received.get(name) ?? []), event];
      received.set(name, events);
      const answered = await answer(name, event, events.length);
      const { status, headers = {}, body = "" } = typeof answered === "number" ? { status: answered } : answered;
      load.now--;
      response.writeHead(status, headers).end(body);
    };
    serve().catch((error: unknown) => response.writeHead(599).end(String(error)));
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  // A server that listens on a port has an address of this form.
  const { port } = server.address() as AddressInfo;
  return {
    resolve: (name) => new URL(`http://127.0.0.1:${port}/${name}`),
    received: (name) => received.get(name) ?? [],
    load,
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<EventMessage["body"]> {
  // A request's chunks are Buffers as long as nobody sets an encoding.
  return Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
}

/** A log that keeps its messages. */
export function recordingLog(): BrokerLog & { readonly messages: readonly string[] } {
  const messages = new Array<string>();
  const record = (_: object, message: string) => void messages.push(message);
  return { messages, debug: record, warn: record, error: record };
}
