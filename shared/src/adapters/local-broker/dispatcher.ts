import type { BusEvent } from "#shared/ports/event-bus.ts";
import { deadLetter, deliver, judgeDeadLetterSink, judgeSubscriber, type Failure, type Outcome } from "./delivery.ts";
import type { Dispatch } from "./disturb.ts";
import type { Acceptance } from "./ingress.ts";
import type { Broker, Destination, Service } from "./manifests.ts";
import { postEvent } from "./post-event.ts";
import { createRequestLimit, type RequestLimit } from "./request-limit.ts";
import { defaultDelivery, retryPolicy, type Answer, type RetryPolicy } from "./retry-policy.ts";
import { withTimeToLive } from "./time-to-live.ts";
import type { Timers } from "./timers.ts";

/** The part of pino's logger that the broker needs. */
export interface BrokerLog {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface DispatcherOptions {
  readonly broker: Broker;
  readonly services: readonly Service[];
  /** What dead letters name as the destination of a reply that was refused. */
  readonly ingressUrl: URL;
  readonly resolve: (serviceName: string) => URL;
  readonly accept: (event: BusEvent) => Acceptance;
  readonly timers: Timers;
  readonly log: BrokerLog;
  /** Aborted when no further attempt shall begin. */
  readonly closing: AbortSignal;
  /** Aborted when requests under way shall end. */
  readonly closed: AbortSignal;
  readonly fetch: typeof globalThis.fetch;
}

/** Delivers to a Trigger's subscriber with its retries, routes the reply, and buries what fails for good. */
export function createDispatcher({
  broker,
  services,
  accept,
  timers,
  log,
  closing,
  closed,
  fetch,
  ...where
}: DispatcherOptions): Dispatch {
  const byName = new Map(services.map((service) => [service.metadata.name, service]));
  const limits = new Map<string, RequestLimit>();

  /** One attempt, when the Service has room for it. */
  async function send(destination: Destination, url: URL, event: BusEvent, policy: RetryPolicy): Promise<Answer> {
    const service = "ref" in destination ? byName.get(destination.ref.name) : undefined;
    const timeoutMs = shortest(policy.timeoutMs, service?.spec.template.spec.timeoutSeconds);
    const post = () => postEvent(url, event, { timeoutMs, timers, signal: closed, fetch });
    const answer = service === undefined ? await post() : await limitOf(service).run(post, closing);
    return answer ?? { status: undefined, because: "the broker is closing" };
  }

  function limitOf(service: Service): RequestLimit {
    const known = limits.get(service.metadata.name);
    if (known !== undefined) return known;
    const limit = createRequestLimit(requestsAtOnce(service));
    limits.set(service.metadata.name, limit);
    return limit;
  }

  function urlOf(destination: Destination): URL {
    if (!("ref" in destination)) return new URL(destination.uri);
    const url = where.resolve(destination.ref.name);
    return destination.uri === undefined ? url : new URL(destination.uri, url);
  }

  return async (trigger, event, timeToLive) => {
    const delivery = trigger.spec.delivery ?? broker.spec.delivery ?? defaultDelivery;
    const policy = retryPolicy(delivery);
    const sink = delivery.deadLetterSink ?? broker.spec.delivery?.deadLetterSink;
    const about = { trigger: trigger.metadata.name, eventId: event.id, eventType: event.type };

    const attempt = (
      destination: Destination,
      url: URL,
      sent: BusEvent,
      judge: typeof judgeSubscriber,
    ): Promise<Outcome> =>
      deliver({ policy, judge, timers, signal: closing, send: () => send(destination, url, sent, policy) });

    async function bury(destination: URL, failure: Failure): Promise<void> {
      const fields = { ...about, destination: destination.href, code: failure.code };
      if (sink === undefined)
        return log.error(fields, "Event dropped: its delivery failed and there is no dead letter sink.");
      const outcome = await attempt(sink, urlOf(sink), deadLetter(event, destination, failure), judgeDeadLetterSink);
      if (outcome.kind === "delivered") log.warn(fields, "Event went to the dead letter sink.");
      else log.error(fields, "Event dropped: the dead letter sink did not take it either.");
    }

    try {
      const url = urlOf(trigger.spec.subscriber);
      const outcome = await attempt(trigger.spec.subscriber, url, event, judgeSubscriber);
      switch (outcome.kind) {
        case "abandoned":
          log.debug(about, "Event abandoned: the broker is closing.");
          break;
        case "failed":
          await bury(url, outcome.failure);
          break;
        case "delivered": {
          if (outcome.reply === undefined) break;
          const accepted = accept(withTimeToLive(outcome.reply, timeToLive));
          if (accepted.status === 400) await bury(where.ingressUrl, { code: 400, body: Buffer.from(accepted.because) });
          break;
        }
      }
    } catch (error) {
      // `resolve` is the caller's; what it throws must not end the process.
      log.error({ ...about, err: error }, "Event dropped: its subscriber or dead letter sink has no address.");
    }
  };
}

/** How many requests Knative lets through to a Service: per pod, times the pods. Infinity when either has no limit. */
function requestsAtOnce({ spec: { template } }: Service): number {
  const maxScale = Number(template.metadata.annotations["autoscaling.knative.dev/max-scale"] ?? 0);
  return template.spec.containerConcurrency * maxScale || Number.POSITIVE_INFINITY;
}

function shortest(timeoutMs: number | undefined, timeoutSeconds: number | undefined): number | undefined {
  if (timeoutSeconds === undefined) return timeoutMs;
  return Math.min(timeoutMs ?? Number.POSITIVE_INFINITY, timeoutSeconds * 1000);
}
