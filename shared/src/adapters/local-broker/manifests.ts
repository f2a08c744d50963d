import { z } from "zod";
import { durationMs } from "./iso-duration.ts";

// The part of Knative's resources that the local broker keeps to. What it reads is strict, so that a misspelt field is
// an error here instead of a default in the cluster; the pod of a Service is Kubernetes' business and stays open.

const dnsLabel = z
  .string()
  .regex(
    /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/,
    "expected a DNS label: at most 63 of a-z, 0-9 and -, beginning with a letter",
  );

const metadata = z.looseObject({
  name: dnsLabel,
  namespace: dnsLabel,
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
});

const duration = z
  .string()
  .refine(
    (text) => durationMs(text) !== undefined,
    "expected an ISO 8601 duration without years and months, as PT0.2S",
  );

const serviceReference = z.strictObject({
  apiVersion: z.literal("serving.knative.dev/v1"),
  kind: z.literal("Service"),
  name: dnsLabel,
  namespace: dnsLabel.optional(),
});

/** Where events go: a Knative Service, with `uri` as the path at it, or any absolute URL. */
const destination = z.union([
  z.strictObject({ ref: serviceReference, uri: z.string().startsWith("/").optional() }),
  z.strictObject({ uri: z.url({ protocol: /^https?$/ }) }),
]);
export type Destination = z.output<typeof destination>;

const delivery = z.strictObject({
  deadLetterSink: destination.optional(),
  retry: z.int().nonnegative().optional(),
  backoffPolicy: z.enum(["linear", "exponential"]).optional(),
  backoffDelay: duration.optional(),
  /** How long one request may take. */
  timeout: duration.optional(),
  /** Retry-After headers count when this is set, up to this long. */
  retryAfterMax: duration.optional(),
});
export type Delivery = z.output<typeof delivery>;

type Attributes = Readonly<Record<string, string>>;

/** Exactly one of its fields is set. */
export interface Filter {
  readonly exact?: Attributes | undefined;
  readonly prefix?: Attributes | undefined;
  readonly suffix?: Attributes | undefined;
  readonly all?: readonly Filter[] | undefined;
  readonly any?: readonly Filter[] | undefined;
  readonly not?: Filter | undefined;
}

const attributes = z.record(z.string().regex(/^[a-z0-9]+$/), z.string());
const affix = z.record(z.string().regex(/^[a-z0-9]+$/), z.string().min(1));

const filter: z.ZodType<Filter> = z.lazy(() =>
  z
    .strictObject({
      exact: affix.optional(),
      prefix: affix.optional(),
      suffix: affix.optional(),
      all: z.array(filter).min(1).optional(),
      any: z.array(filter).min(1).optional(),
      not: filter.optional(),
      cesql: z
        .undefined("CESQL filters are not supported: write the condition with exact, prefix, suffix, all, any and not")
        .optional(),
    })
    .refine((dialects) => Object.values(dialects).filter((dialect) => dialect !== undefined).length === 1, {
      error: "expected exactly one of exact, prefix, suffix, all, any and not",
    }),
);

const broker = z.looseObject({
  metadata,
  spec: z.strictObject({ config: z.looseObject({}).optional(), delivery: delivery.optional() }).default({}),
});
export type Broker = z.output<typeof broker>;

const trigger = z.looseObject({
  metadata,
  spec: z.strictObject({
    broker: dnsLabel,
    /** Ignored when `filters` is set. */
    filter: z.strictObject({ attributes }).optional(),
    filters: z.array(filter).optional(),
    subscriber: destination,
    /** Instead of the Broker's delivery, not in addition to it. */
    delivery: delivery.optional(),
  }),
});
export type Trigger = z.output<typeof trigger>;

const pingSource = z.looseObject({
  metadata,
  spec: z.strictObject({
    /** Five cron fields, or six with the seconds first. */
    schedule: z.string(),
    /** A name from the IANA time zone database. */
    timezone: z.string().optional(),
    contentType: z.literal("application/json").optional(),
    data: z.string().optional(),
    ceOverrides: z.strictObject({ extensions: attributes }).optional(),
    sink: z.strictObject({
      ref: z.strictObject({
        apiVersion: z.literal("eventing.knative.dev/v1"),
        kind: z.literal("Broker"),
        name: dnsLabel,
        namespace: dnsLabel.optional(),
      }),
    }),
  }),
});
export type PingSource = z.output<typeof pingSource>;

const service = z.looseObject({
  metadata,
  spec: z.looseObject({
    template: z.looseObject({
      metadata: z
        .looseObject({ annotations: z.record(z.string(), z.string()).default({}) })
        .default({ annotations: {} }),
      spec: z.looseObject({
        /** Requests at once a pod; 0 is no limit. */
        containerConcurrency: z.int().nonnegative().default(0),
        timeoutSeconds: z.int().positive().max(600).optional(),
        containers: z.array(z.looseObject({ image: z.string(), command: z.array(z.string()).optional() })).length(1),
      }),
    }),
  }),
});
export type Service = z.output<typeof service>;

/** What is read of each kind, by apiVersion and kind. */
export const manifestSchemas = {
  "eventing.knative.dev/v1 Broker": broker,
  "eventing.knative.dev/v1 Trigger": trigger,
  "sources.knative.dev/v1 PingSource": pingSource,
  "serving.knative.dev/v1 Service": service,
} as const;

/** The eventing half of what is deployed. */
export interface Manifests {
  readonly brokers: readonly Broker[];
  readonly triggers: readonly Trigger[];
  readonly pingSources: readonly PingSource[];
  readonly services: readonly Service[];
}

/** A manifest cannot be used; the message names the file, the resource and the field. */
export class InvalidManifest extends Error {
  override readonly name = "InvalidManifest";
}
