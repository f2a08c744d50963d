import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { createDispatcher, type BrokerLog } from "./dispatcher.ts";
import { disturb, type Disturbance } from "./disturb.ts";
import { wants } from "./filter.ts";
import type { EventMessage } from "#shared/adapters/knative/cloud-events.ts";
import { createIngress, receive, type Acceptance } from "./ingress.ts";
import { InvalidManifest, type Broker, type Manifests } from "./manifests.ts";
import { startPinging } from "./ping-schedule.ts";
import { takeTimeToLive } from "./time-to-live.ts";
import { wait, type Timers } from "./timers.ts";

export interface LocalBrokerOptions {
  /** With exactly one Broker. */
  readonly manifests: Manifests;
  /** Where a Service listens; asked at each delivery, so that it may start after the broker. */
  readonly resolve: (serviceName: string) => URL;
  readonly timers: Timers;
  /** From 0 up to 1: spreads pings and, when disturbed, deliveries. */
  readonly random: () => number;
  readonly log: BrokerLog;
  /** How Services are reached; over HTTP unless it is given. */
  readonly fetch?: typeof globalThis.fetch;
  /** For tests of what "at least once, in any order" does to subscribers. */
  readonly disturb?: Disturbance;
}

/** The broker without a server of its own. */
export interface MountedBroker {
  /** Where the ingress expects its requests: `/<namespace>/<broker>`. */
  readonly path: string;
  /** The ingress, for a server that shares its port with others. */
  handleIngress(request: IncomingMessage, response: ServerResponse): void;
  /** Takes an event from this process, as the ingress takes one over HTTP. */
  receive(message: EventMessage): Acceptance;
  /** Starts the PingSources. */
  startPinging(): void;
  /** Resolves when nothing is under way: no delivery, no retry that waits, no dead letter. */
  idle(): Promise<void>;
  /**
   * Stops the PingSources, takes no more events, abandons those that wait for a retry or their turn, lets the requests
   * under way end within `drainMs` (10 seconds unless given), and then ends them.
   */
  close(drainMs?: number): Promise<void>;
}

export interface LocalBroker extends MountedBroker {
  /** The address to publish to. */
  readonly url: URL;
}

/**
 * A Knative Broker in this process: the same manifests, filters, retries, dead letters and replies, over HTTP, so that
 * functions cannot tell the difference. Like Knative's in-memory channel it keeps nothing: what is lost with the process,
 * the outbox sends again. Unlike it, an event is accepted before it has been delivered.
 * @throws InvalidManifest when there is not exactly one Broker, or a reference leads nowhere.
 */
export function createLocalBroker({
  manifests,
  resolve,
  timers,
  random,
  log,
  ...options
}: LocalBrokerOptions): MountedBroker {
  const broker = theBroker(manifests);
  const path = `/${broker.metadata.namespace}/${broker.metadata.name}`;
  const closing = new AbortController();
  const closed = new AbortController();
  const underWay = new Set<Promise<void>>();
  const stopPinging = new Array<() => void>();

  const dispatcher = createDispatcher({
    broker,
    services: manifests.services,
    ingressUrl: new URL(`http://broker-ingress.knative-eventing.svc.cluster.local${path}`),
    resolve,
    accept,
    timers,
    log,
    closing: closing.signal,
    closed: closed.signal,
    fetch: options.fetch ?? globalThis.fetch,
  });
  const dispatch = options.disturb === undefined ? dispatcher : disturb(dispatcher, options.disturb, timers, random);

  function accept(incoming: BusEvent): Acceptance {
    if (closing.signal.aborted) return { status: 503, because: "The broker is closing." };
    const { event, timeToLive } = takeTimeToLive(incoming);
    if (timeToLive <= 0) return { status: 400, because: `Event ${event.id} (${event.type}) goes in circles.` };
    const extensions = { ...event.extensions, knativearrivaltime: timers.now().toISOString() };
    for (const trigger of manifests.triggers) {
      if (!wants(trigger, event)) continue;
      const delivery = dispatch(trigger, { ...event, extensions }, timeToLive).finally(() => underWay.delete(delivery));
      underWay.add(delivery);
    }
    return { status: 202 };
  }

  async function idle(): Promise<void> {
    // A reply or a dead letter begins before the delivery that led to it ends.
    while (underWay.size > 0) await Promise.all(underWay);
  }

  return {
    path,
    handleIngress: createIngress({ path, clock: timers, accept }),
    receive: (message) => receive(message, { clock: timers, accept }),
    startPinging() {
      for (const source of manifests.pingSources)
        stopPinging.push(startPinging(source, { timers, random, emit: accept }));
    },
    idle,
    async close(drainMs = 10_000) {
      for (const stop of stopPinging) stop();
      closing.abort(new Error("The broker is closing."));
      const drained = new AbortController();
      const settled = idle().then(() => drained.abort());
      await wait(timers, drainMs, drained.signal);
      closed.abort(new Error("The broker has closed."));
      await settled;
    },
  };
}

/**
 * A {@link createLocalBroker} that listens on 127.0.0.1, on a free port unless one is given, and pings.
 * @throws Error with the code EADDRINUSE when the port is taken.
 */
export async function startLocalBroker(options: LocalBrokerOptions & { readonly port?: number }): Promise<LocalBroker> {
  const broker = createLocalBroker(options);
  const server = createServer((request, response) => broker.handleIngress(request, response));
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject).listen(options.port ?? 0, "127.0.0.1", listening.resolve);
  await listening.promise;
  broker.startPinging();
  // A server that listens on a port has an address of this form.
  const { port } = server.address() as AddressInfo;
  return {
    ...broker,
    url: new URL(`http://127.0.0.1:${port}${broker.path}`),
    async close(drainMs) {
      const stopped = Promise.withResolvers<void>();
      server.close(() => stopped.resolve());
      await broker.close(drainMs);
      server.closeAllConnections();
      await stopped.promise;
    },
  };
}

function theBroker({ brokers, triggers, pingSources, services }: Manifests): Broker {
  const [broker] = brokers;
  if (broker === undefined || brokers.length > 1) {
    throw new InvalidManifest(`The local broker needs exactly one Broker; there are ${brokers.length}.`);
  }
  const serviceNames = new Set(services.map(({ metadata }) => metadata.name));
  for (const { kind, name, broker: wanted, sinks } of [
    {
      kind: "Broker",
      name: broker.metadata.name,
      broker: broker.metadata.name,
      sinks: [broker.spec.delivery?.deadLetterSink],
    },
    ...triggers.map(({ metadata: { name }, spec }) => ({
      kind: "Trigger",
      name,
      broker: spec.broker,
      sinks: [spec.subscriber, spec.delivery?.deadLetterSink],
    })),
    ...pingSources.map(({ metadata: { name }, spec }) => ({
      kind: "PingSource",
      name,
      broker: spec.sink.ref.name,
      sinks: [],
    })),
  ]) {
    if (wanted !== broker.metadata.name)
      throw new InvalidManifest(`${kind} ${name} is for Broker ${wanted}, which is not there.`);
    for (const sink of sinks) {
      if (sink !== undefined && "ref" in sink && !serviceNames.has(sink.ref.name)) {
        throw new InvalidManifest(`${kind} ${name} names Service ${sink.ref.name}, which is not there.`);
      }
    }
  }
  return broker;
}
