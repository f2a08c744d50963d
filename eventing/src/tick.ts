import { z } from "zod";
import type { EventType } from "./event-type.ts";

/**
 * Time has passed. Knative's PingSource sends this type of its own, and the source cannot be given another
 * (https://knative.dev/docs/eventing/sources/ping-source/).
 */
export const ticked: EventType<unknown> = {
  type: "dev.knative.sources.ping",
  schema: z.unknown(),
  hasTask: false,
  subject: () => "tick",
};
