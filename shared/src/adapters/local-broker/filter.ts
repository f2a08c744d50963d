import type { BusEvent } from "#shared/ports/event-bus.ts";
import type { Filter, Trigger } from "./manifests.ts";

/**
 * Whether a Trigger wants an event, as Knative decides it: `filters`, which must all match, override `filter`; a Trigger
 * without any filter wants everything. https://knative.dev/docs/eventing/triggers/#supported-filters
 */
export function wants({ spec: { filter, filters } }: Trigger, event: BusEvent): boolean {
  if (filters !== undefined && filters.length > 0) return filters.every((one) => matches(one, event));
  // The empty string stands for any value, but there has to be one.
  return everyAttribute(filter?.attributes ?? {}, event, (value, wanted) => wanted === "" || value === wanted);
}

function matches({ exact, prefix, suffix, all, any, not }: Filter, event: BusEvent): boolean {
  if (exact !== undefined) return everyAttribute(exact, event, (value, wanted) => value === wanted);
  if (prefix !== undefined) return everyAttribute(prefix, event, (value, start) => value.startsWith(start));
  if (suffix !== undefined) return everyAttribute(suffix, event, (value, end) => value.endsWith(end));
  if (all !== undefined) return all.every((one) => matches(one, event));
  if (any !== undefined) return any.some((one) => matches(one, event));
  return not !== undefined && !matches(not, event);
}

function everyAttribute(
  attributes: Readonly<Record<string, string>>,
  event: BusEvent,
  holds: (value: string, wanted: string) => boolean,
): boolean {
  return Object.entries(attributes).every(([name, wanted]) => {
    const value = attribute(event, name);
    return value !== undefined && value !== "" && holds(value, wanted);
  });
}

function attribute({ id, source, type, subject, time, extensions }: BusEvent, name: string): string | undefined {
  const attributes = new Map(
    Object.entries({ ...extensions, specversion: "1.0", id, source, type, subject, time: time.toISOString() }),
  );
  return attributes.get(name);
}
