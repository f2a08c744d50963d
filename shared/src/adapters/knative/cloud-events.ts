import { CloudEvent, CONSTANTS, HTTP, V1 } from "cloudevents";
import { z } from "zod";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { decodeHeaderValue, encodeHeaderValue } from "./header-value.ts";
import { isJson, isUtf8, parseMediaType, type MediaType } from "./media-type.ts";

// The only file that knows the CloudEvents SDK. The SDK's model, schema and serializers are used; its transport and its
// parser are not: release 10 accepts what it cannot represent, and cloud-events.test.ts names each case.

/** An HTTP request or response that may carry an event. */
export interface EventMessage {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array | string;
}

/** An event, ready to be sent: every header value is ASCII. */
export interface WrittenEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The largest event that every broker carries; the rest belongs into the blob store. */
export const maxEventBytes = 64 * 1024;

/** The message is no event, or the event cannot be sent. The message says what is wrong with it. */
export class InvalidEvent extends Error {
  override readonly name = "InvalidEvent";
}

/** Attributes by name, and the data: absent when there is none. */
interface Envelope {
  readonly attributes: ReadonlyMap<string, string>;
  readonly data: unknown;
}

/**
 * Whether a message claims to be an event, as Knative decides it for the answers of subscribers: by a `ce-specversion`
 * header, or by a CloudEvents content type.
 */
export function looksLikeEvent(headers: EventMessage["headers"]): boolean {
  const all = lowerCased(headers);
  return all.has(`${CONSTANTS.EXTENSIONS_PREFIX}specversion`) || mediaTypeOf(all).name.startsWith(CONSTANTS.MIME_CE);
}

/**
 * The event in an HTTP message, in binary or structured mode.
 *
 * An event without a time, which CloudEvents allows, gets `receivedAt`. A `dataschema` is kept among the extensions.
 * @throws InvalidEvent when it is not one valid CloudEvent 1.0 with JSON data.
 */
export function readEvent(message: EventMessage, receivedAt: Date): BusEvent {
  const headers = lowerCased(message.headers);
  const { attributes, data } = envelopeOf(headers, Buffer.from(message.body));

  if (attributes.get("specversion") !== V1) {
    throw new InvalidEvent(`The event's specversion is ${quote(attributes.get("specversion"))}; expected "${V1}".`);
  }
  for (const required of ["id", "source", "type"]) {
    if (!attributes.get(required)) throw new InvalidEvent(`The event has no ${required}.`);
  }
  const time = attributes.get("time");
  if (time !== undefined && !z.iso.datetime({ offset: true }).safeParse(time).success) {
    throw new InvalidEvent(`The event's time ${quote(time)} is not an RFC 3339 timestamp.`);
  }

  const subject = attributes.get("subject");
  const extensions = Object.fromEntries([...attributes].filter(([name]) => !coreAttributes.has(name)));
  const event: BusEvent = {
    // The loop above has found these three.
    id: attributes.get("id") as string,
    source: attributes.get("source") as string,
    type: attributes.get("type") as string,
    ...(subject === undefined ? {} : { subject }),
    time: time === undefined ? receivedAt : new Date(time),
    data,
    ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
  };
  toCloudEvent(event);
  return event;
}

/**
 * The headers and body that carry an event. `maxBytes` counts both, as they are sent.
 * @throws InvalidEvent when it is no valid CloudEvent, its data is not JSON, or it is larger than `maxBytes`.
 */
export function writeEvent(
  event: BusEvent,
  mode: "binary" | "structured" = "binary",
  maxBytes = maxEventBytes,
): WrittenEvent {
  const json = jsonOf(event.data);
  const written = mode === "binary" ? binary(event, json) : structured(event, json);
  const sizeBytes = Object.entries(written.headers).reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    Buffer.byteLength(written.body),
  );
  if (sizeBytes > maxBytes) {
    throw new InvalidEvent(
      `Event ${event.id} (${event.type}) has ${sizeBytes} bytes, but only ${maxBytes} may travel. Put the data into the blob store and send its key.`,
    );
  }
  return written;
}

function binary(event: BusEvent, json: string | undefined): WrittenEvent {
  // Only the headers are the SDK's: it sends a string as it is instead of as JSON, and a content type without data.
  const { headers } = HTTP.binary(toCloudEvent(event));
  const encoded = Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith(CONSTANTS.EXTENSIONS_PREFIX) ? [[name, encodeHeaderValue(String(value))] as const] : [],
  );
  const contentType = json === undefined ? {} : { [CONSTANTS.HEADER_CONTENT_TYPE]: CONSTANTS.MIME_JSON };
  return { headers: { ...Object.fromEntries(encoded), ...contentType }, body: json ?? "" };
}

function structured(event: BusEvent, json: string | undefined): WrittenEvent {
  const data: unknown = json === undefined ? undefined : JSON.parse(json);
  const contentType = json === undefined ? {} : { datacontenttype: CONSTANTS.MIME_JSON };
  const { body } = HTTP.structured(toCloudEvent(event).cloneWith({ ...contentType, data }));
  return { headers: { [CONSTANTS.HEADER_CONTENT_TYPE]: CONSTANTS.DEFAULT_CE_CONTENT_TYPE }, body: String(body) };
}

/** The SDK's event without the data: the SDK's schema decides whether the attributes are valid. */
function toCloudEvent({ id, source, type, subject, time, extensions = {} }: BusEvent): CloudEvent {
  // The SDK would invent these three.
  if (id === "") throw new InvalidEvent("The event has no id.");
  if (Number.isNaN(time.getTime())) throw new InvalidEvent(`The time of event ${id} is not a date.`);
  for (const name of Object.keys(extensions)) {
    if (!/^[a-z0-9]{1,20}$/.test(name) || coreAttributes.has(name)) {
      throw new InvalidEvent(
        `${quote(name)} is no name for an extension: expected 1 to 20 of a-z and 0-9, and no attribute of CloudEvents.`,
      );
    }
  }
  for (const [name, value] of Object.entries({ id, source, type, subject, ...extensions })) {
    if (value !== undefined && (!value.isWellFormed() || /\p{Cc}/u.test(value))) {
      throw new InvalidEvent(`The event's ${name} ${quote(value)} has control characters or is not Unicode.`);
    }
  }
  try {
    const optional = subject === undefined ? {} : { subject };
    return new CloudEvent({ ...extensions, id, source, type, ...optional, specversion: V1, time: time.toISOString() });
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message.replaceAll(/\s+/g, " ") : String(cause);
    throw new InvalidEvent(`Event ${id} is not a valid CloudEvent: ${detail}`, { cause });
  }
}

const coreAttributes = new Set<string>([...Object.values(CONSTANTS.CE_ATTRIBUTES), "data_base64"]);

function envelopeOf(headers: ReadonlyMap<string, string>, body: Buffer): Envelope {
  const { name } = mediaTypeOf(headers);
  if (name === CONSTANTS.MIME_CE_JSON) return structuredEnvelope(headers, body);
  if (name.startsWith(CONSTANTS.MIME_CE_BATCH.replace("+json", ""))) {
    throw new InvalidEvent("The message is a batch of events; send each event in its own request.");
  }
  if (name.startsWith(CONSTANTS.MIME_CE)) {
    throw new InvalidEvent(`The event format ${name} is not supported; send ${CONSTANTS.MIME_CE_JSON} or binary mode.`);
  }
  return binaryEnvelope(headers, body);
}

function binaryEnvelope(headers: ReadonlyMap<string, string>, body: Buffer): Envelope {
  const prefix = CONSTANTS.EXTENSIONS_PREFIX;
  const attributes = new Map<string, string>();
  for (const [header, value] of headers) {
    if (!header.startsWith(prefix)) continue;
    try {
      attributes.set(header.slice(prefix.length), decodeHeaderValue(value));
    } catch (cause) {
      throw new InvalidEvent(`The header ${header} is not percent-encoded UTF-8.`, { cause });
    }
  }
  if (attributes.size === 0) {
    throw new InvalidEvent(`The message is no event: neither ${prefix}* headers nor ${CONSTANTS.MIME_CE_JSON}.`);
  }
  if (attributes.has("data")) throw new InvalidEvent("The event's data is in a header; it belongs into the body.");
  if (body.length === 0) return { attributes, data: undefined };
  assertJson(mediaTypeOf(headers));
  return { attributes, data: parseJson(body, "data") };
}

const structuredEvent = z.record(z.string(), z.unknown());

/** CloudEvents' strings, booleans and integers; null means absent. */
const attributeValue = z.union([z.string(), z.boolean().transform(String), z.int().transform(String)]);

function structuredEnvelope(headers: ReadonlyMap<string, string>, body: Buffer): Envelope {
  assertUtf8(mediaTypeOf(headers));
  const parsed = structuredEvent.safeParse(parseJson(body, "body"));
  if (!parsed.success) throw new InvalidEvent("The body of a structured event must be a JSON object.");
  const { data, data_base64: base64, ...rest } = parsed.data;

  const attributes = new Map<string, string>();
  for (const [name, value] of Object.entries(rest)) {
    if (value === null) continue;
    const text = attributeValue.safeParse(value);
    if (!text.success)
      throw new InvalidEvent(`The attribute ${quote(name)} must be a string, a boolean or an integer.`);
    attributes.set(name, text.data);
  }
  if (data === undefined && base64 === undefined) return { attributes, data: undefined };
  if (data !== undefined && base64 !== undefined) throw new InvalidEvent("The event has both data and data_base64.");
  assertJson(parseMediaType(attributes.get("datacontenttype") ?? CONSTANTS.MIME_JSON));
  if (base64 === undefined) return { attributes, data };
  const bytes = z.base64().safeParse(base64);
  if (!bytes.success) throw new InvalidEvent("The event's data_base64 is not Base64.");
  return { attributes, data: parseJson(Buffer.from(bytes.data, "base64"), "data") };
}

function mediaTypeOf(headers: ReadonlyMap<string, string>): MediaType {
  return parseMediaType(headers.get(CONSTANTS.HEADER_CONTENT_TYPE) ?? "");
}

function assertJson(mediaType: MediaType): void {
  if (!isJson(mediaType)) {
    const found = mediaType.name || "of no content type";
    throw new InvalidEvent(`The event's data is ${found}; expected ${CONSTANTS.MIME_JSON}.`);
  }
  assertUtf8(mediaType);
}

function assertUtf8(mediaType: MediaType): void {
  if (!isUtf8(mediaType)) throw new InvalidEvent(`The event's charset is ${mediaType.charset}; expected utf-8.`);
}

function parseJson(bytes: Buffer, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new InvalidEvent(`The event's ${what} is not JSON in UTF-8.`, { cause });
  }
}

/** Undefined when there is no data. */
function jsonOf(data: unknown): string | undefined {
  if (data === undefined) return undefined;
  let json: string | undefined;
  try {
    // TypeScript says string, but a function or a symbol gives undefined.
    json = JSON.stringify(data) as string | undefined;
  } catch (cause) {
    throw new InvalidEvent("The event's data cannot be written as JSON.", { cause });
  }
  if (json === undefined) throw new InvalidEvent("The event's data cannot be written as JSON.");
  return json;
}

function lowerCased(headers: EventMessage["headers"]): ReadonlyMap<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return [[name.toLowerCase(), typeof value === "string" ? value : value.join(", ")] as const];
  });
  return new Map(entries);
}

function quote(text: string | undefined): string {
  return text === undefined ? "missing" : JSON.stringify(text.slice(0, 100));
}
