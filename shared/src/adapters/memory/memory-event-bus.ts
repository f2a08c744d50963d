import { readEvent, writeEvent } from "#shared/adapters/knative/cloud-events.ts";
import { EventBusUnavailable, type BusEvent, type EventBus } from "#shared/ports/event-bus.ts";

/** A bus for tests: it keeps what was published, and delivers when it is told to. */
export interface MemoryEventBus extends EventBus {
  /** Everything accepted so far, in order, as a subscriber would read it. */
  readonly published: readonly BusEvent[];
  /** Has events of a type delivered to a handler. */
  subscribe(type: string, handle: (event: BusEvent) => Promise<void>): void;
  /**
   * Delivers, one at a time and in order, what has not been delivered yet, and what handlers publish meanwhile. When a
   * handler throws, so does this, and the event is delivered again the next time.
   */
  deliverAll(): Promise<void>;
  /** From now on nothing is accepted, until `comeBack`. */
  goDown(): void;
  comeBack(): void;
}

/** Events go through the CloudEvents codec, so what cannot be sent over HTTP is refused here too, with InvalidEvent. */
export function createMemoryEventBus(): MemoryEventBus {
  const published = new Array<BusEvent>();
  const handlers = new Map<string, ((event: BusEvent) => Promise<void>)[]>();
  let delivered = 0;
  let down = false;

  return {
    published,
    async publish(event) {
      const accepted = readEvent(writeEvent(event), event.time);
      if (down) throw new EventBusUnavailable(`Event ${event.id} was not accepted: the bus is down.`);
      published.push(accepted);
    },
    subscribe(type, handle) {
      handlers.set(type, [...(handlers.get(type) ?? []), handle]);
    },
    async deliverAll() {
      for (let event = published[delivered]; event !== undefined; event = published[delivered]) {
        for (const handle of handlers.get(event.type) ?? []) await handle(event);
        delivered++;
      }
    },
    goDown() {
      down = true;
    },
    comeBack() {
      down = false;
    },
  };
}
