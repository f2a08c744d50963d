import { writeEvent } from "#shared/adapters/knative/cloud-events.ts";
import { EventBusUnavailable, type EventBus } from "#shared/ports/event-bus.ts";
import type { MountedBroker } from "./local-broker.ts";

/**
 * Publishes to the broker in this process: what it takes was written and read as it would be over HTTP, and is judged by
 * the same ingress.
 *
 * Besides EventBusUnavailable, publish throws InvalidEvent for an event that no broker would take.
 */
export function createBrokerBus(broker: Pick<MountedBroker, "receive">): EventBus {
  return {
    async publish(event) {
      const { headers, body } = writeEvent(event);
      const answer = broker.receive({ headers, body: Buffer.from(body) });
      if (answer.status === 202) return;
      const what = `Publishing event ${event.id} (${event.type}) to the broker in this process`;
      throw new EventBusUnavailable(`${what} was answered ${answer.status}: ${answer.because}`);
    },
  };
}
