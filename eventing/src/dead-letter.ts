import { z } from "zod";
import type { EventType } from "./event-type.ts";

/**
 * Any event that the broker gave up on, as it hands it to its dead letter sink: the original event with extensions that
 * say why (https://knative.dev/docs/eventing/event-delivery/). It is not routed by a Trigger, so it is not in the catalogue.
 */
export const deadLettered: EventType<unknown> = {
  type: "",
  schema: z.unknown(),
  hasTask: false,
  subject: () => "dead-letter",
};
