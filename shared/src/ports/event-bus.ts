/** An event as it travels: a CloudEvent 1.0 with JSON data. */
export interface BusEvent {
  /** Unique within `source`: the id of the task that the event announces, or of the tick. */
  readonly id: string;
  /** Who says so, as a URI reference: `/octobatch/<function>`. */
  readonly source: string;
  /** Reverse DNS with a version: `dev.octobatch.changeset.ready.v1`. */
  readonly type: string;
  /** The entity that the event is about, such as a changeset id. */
  readonly subject?: string;
  readonly time: Date;
  readonly data: unknown;
  /** CloudEvents extension attributes; names match `[a-z0-9]{1,20}`. */
  readonly extensions?: Readonly<Record<string, string>>;
}

/** Hands events to the broker. Delivery is at least once, in any order: an event is a hint, Postgres is the truth. */
export interface EventBus {
  /** Resolves once the broker has accepted the event (2xx). @throws EventBusUnavailable when it did not. */
  publish(event: BusEvent): Promise<void>;
}

export class EventBusUnavailable extends Error {
  override readonly name = "EventBusUnavailable";
}
