import type { BusEvent } from "#shared/ports/event-bus.ts";

const attribute = "knativebrokerttl";

/** How often an event may lead to a reply that leads to a reply, by Knative's default. */
const initial = 255;

/** The event without the attribute that counts its hops, and how many it has left. Subscribers do not see the count. */
export function takeTimeToLive(event: BusEvent): { readonly event: BusEvent; readonly timeToLive: number } {
  const { [attribute]: count, ...extensions } = event.extensions ?? {};
  const timeToLive = count !== undefined && /^-?\d+$/.test(count) ? Math.max(0, Number(count) - 1) : initial;
  return { event: { ...event, extensions }, timeToLive };
}

/** A reply, with what is left of the hops of the event that it answers. */
export function withTimeToLive(reply: BusEvent, timeToLive: number): BusEvent {
  return { ...reply, extensions: { ...reply.extensions, [attribute]: String(timeToLive) } };
}
