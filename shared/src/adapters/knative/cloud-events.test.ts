import { CloudEvent, HTTP } from "cloudevents";
import { describe, expect, test } from "vitest";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { InvalidEvent, looksLikeEvent, maxEventBytes, readEvent, writeEvent } from "./cloud-events.ts";

const receivedAt = new Date("2026-02-03T04:05:06.000Z");

const event: BusEvent = {
  id: "task-1",
  source: "/octobatch/select-page",
  type: "dev.octobatch.changeset.ready.v1",
  subject: "changeset-1",
  time: new Date("2026-01-02T03:04:05.678Z"),
  data: { changesetId: "changeset-1" },
  extensions: { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
};

const headers = {
  "ce-specversion": "1.0",
  "ce-id": "task-1",
  "ce-source": "/octobatch/test",
  "ce-type": "dev.octobatch.changeset.ready.v1",
  "content-type": "application/json",
};

const structuredHeaders = { "Content-Type": "application/cloudevents+json; charset=UTF-8" };
const structuredBody = { specversion: "1.0", id: "task-1", source: "/octobatch/test", type: "t.v1" };

function readBinary(changed: Record<string, string | undefined>, body = "{}"): BusEvent {
  return readEvent({ headers: { ...headers, ...changed }, body }, receivedAt);
}

function readStructured(changed: Record<string, unknown>): BusEvent {
  const body = JSON.stringify({ ...structuredBody, ...changed });
  return readEvent({ headers: structuredHeaders, body }, receivedAt);
}

describe.each(["binary", "structured"] as const)("in %s mode", (mode) => {
  test("an event is read as it was written", () => {
    expect(readEvent(writeEvent(event, mode), receivedAt)).toEqual(event);
  });

  test.each([[0], [false], [""], [null], ["text"], [[]], [{ deep: [{ er: "ü" }] }]])("data %j survives", (data) => {
    expect(readEvent(writeEvent({ ...event, data }, mode), receivedAt).data).toEqual(data);
  });

  test("absent data stays absent", () => {
    expect(readEvent(writeEvent({ ...event, data: undefined }, mode), receivedAt).data).toBeUndefined();
  });

  test("attributes outside ASCII survive", () => {
    const subject = 'café "50%" 😀';
    expect(readEvent(writeEvent({ ...event, subject }, mode), receivedAt).subject).toBe(subject);
  });

  test("an event of more than 64 KiB is not written", () => {
    expect(() => writeEvent({ ...event, data: "x".repeat(maxEventBytes) }, mode)).toThrow(/only 65536 may travel/);
  });
});

describe("reading", () => {
  test("takes an event without a time as one of now, and keeps its dataschema", () => {
    const read = readBinary({ "ce-dataschema": "https://octobatch.dev/schema" });
    expect(read.time).toEqual(receivedAt);
    expect(read.extensions).toEqual({ dataschema: "https://octobatch.dev/schema" });
  });

  test("takes header names in any case, and bytes as a body", () => {
    const shouted = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
    expect(readEvent({ headers: shouted, body: Buffer.from('{"a":1}') }, receivedAt).data).toEqual({ a: 1 });
  });

  test("writes booleans and integers of structured events as strings, and null as absent", () => {
    const { extensions } = readStructured({ sampled: true, sequence: 7, partitionkey: null });
    expect(extensions).toEqual({ sampled: "true", sequence: "7" });
  });

  test("takes the JSON in data_base64", () => {
    expect(readStructured({ data_base64: Buffer.from('{"a":1}').toString("base64") }).data).toEqual({ a: 1 });
  });

  test("takes any JSON media type", () => {
    expect(readBinary({ "content-type": "application/vnd.github+json" }, "1").data).toBe(1);
  });

  test.each([
    ["without an id", { "ce-id": undefined }, "no id"],
    ["with an empty type", { "ce-type": "" }, "no type"],
    ["of another version", { "ce-specversion": "0.3" }, 'specversion is "0.3"'],
    ["of no version", { "ce-specversion": undefined }, "specversion is missing"],
    ["with a source that is no URI reference", { "ce-source": "not a uri" }, "source"],
    ["with data that is not JSON", { "content-type": "text/plain" }, "data is text/plain"],
    ["with data of no content type", { "content-type": undefined }, "of no content type"],
    ["in Latin-1", { "content-type": "application/json; charset=iso-8859-1" }, "charset is iso-8859-1"],
    ["with a line break in an attribute", { "ce-subject": "a%0Ab" }, "control characters"],
    ["with bytes that are not UTF-8", { "ce-subject": "%FF" }, "ce-subject"],
    ["with a malformed extension name", { "ce-trace-parent": "x" }, '"trace-parent"'],
    ["with data in a header", { "ce-data": "x" }, "data is in a header"],
    ["of a format we do not read", { "content-type": "application/cloudevents+avro" }, "+avro"],
  ])("refuses an event %s", (_, changed, message) => {
    const read = () => readBinary(changed);
    expect(read).toThrow(InvalidEvent);
    expect(read).toThrow(message);
  });

  test.each([
    ["with both kinds of data", { data: 1, data_base64: "MQ==" }, "both data and data_base64"],
    ["with broken Base64", { data_base64: "***" }, "not Base64"],
    ["with an attribute that is an object", { subject: {} }, '"subject"'],
    ["with a fraction as an attribute", { sequence: 1.5 }, '"sequence"'],
    ["with a malformed attribute name", { "trace-parent": "x" }, '"trace-parent"'],
  ])("refuses a structured event %s", (_, changed, message) => {
    expect(() => readStructured(changed)).toThrow(message);
  });

  test.each(["{", "[]", "null", ""])("refuses %j as the body of a structured event", (body) => {
    expect(() => readEvent({ headers: structuredHeaders, body }, receivedAt)).toThrow(InvalidEvent);
  });

  test("refuses what is no event at all", () => {
    expect(() => readEvent({ headers: { "content-type": "application/json" }, body: "{}" }, receivedAt)).toThrow(
      "no event",
    );
  });
});

describe("writing", () => {
  test.each<[string, Partial<BusEvent>, string]>([
    ["without an id", { id: "" }, "no id"],
    ["without a date", { time: new Date(Number.NaN) }, "not a date"],
    ["with an upper-case extension", { extensions: { traceParent: "x" } }, '"traceParent"'],
    ["with an extension of 21 letters", { extensions: { ["x".repeat(21)]: "x" } }, '"xxx'],
    ["with an extension that hides an attribute", { extensions: { type: "x" } }, '"type"'],
    ["with half a surrogate pair", { subject: "\uD800" }, "not Unicode"],
    ["with data that has no JSON", { data: () => 1 }, "as JSON"],
    ["with a bigint in its data", { data: { n: 1n } }, "as JSON"],
  ])("refuses an event %s", (_, changed, message) => {
    const write = () => writeEvent({ ...event, ...changed });
    expect(write).toThrow(InvalidEvent);
    expect(write).toThrow(message);
  });

  test("lets the caller choose another size limit", () => {
    expect(writeEvent({ ...event, data: "x".repeat(70_000) }, "binary", 100_000).body).toHaveLength(70_002);
  });
});

test("knows an event by its version header or its content type, as Knative does", () => {
  expect(looksLikeEvent(headers)).toBe(true);
  expect(looksLikeEvent(structuredHeaders)).toBe(true);
  expect(looksLikeEvent({ "content-type": "application/json", "ce-id": "1" })).toBe(false);
});

// Most cases show what the SDK does by itself, so that the day it is repaired is noticed, and what we do instead.
describe("the defects of the SDK are kept away:", () => {
  test("header values that it does not percent-encode", () => {
    const bare = HTTP.binary(new CloudEvent({ id: "1", source: "/s", type: "t", subject: "a ü" }));
    expect(bare.headers["ce-subject"]).toBe("a ü");
    expect(writeEvent({ ...event, subject: "a ü" }).headers["ce-subject"]).toBe("a%20%C3%BC");
  });

  test("a body that it sends without data", () => {
    const bare = HTTP.binary(new CloudEvent({ id: "1", source: "/s", type: "t" }));
    expect(bare.body).toBeUndefined();
    expect(bare.headers["content-type"]).toContain("json");
    const written = writeEvent({ ...event, data: undefined });
    expect(written.body).toBe("");
    expect(written.headers).not.toHaveProperty("content-type");
  });

  test("a string that it sends as it is", () => {
    expect(HTTP.binary(new CloudEvent({ id: "1", source: "/s", type: "t", data: "x" })).body).toBe("x");
    expect(writeEvent({ ...event, data: "x" }).body).toBe('"x"');
  });

  test("events that it does not validate", () => {
    const message = { headers: { ...headers, "ce-source": "not a uri" }, body: "{}" };
    expect(HTTP.toEvent(message)).toHaveProperty("source", "not a uri");
    expect(() => readEvent(message, receivedAt)).toThrow(InvalidEvent);
  });

  test.each(["yesterday", "2026-02-30T00:00:00Z", "2026-01-01", "1767225600"])(
    "the time %j that becomes now",
    (time) => {
      expect(() => readBinary({ "ce-time": time })).toThrow("not an RFC 3339 timestamp");
      expect(() => readStructured({ time })).toThrow("not an RFC 3339 timestamp");
    },
  );

  test("a structured 0 that it loses", () => {
    const body = JSON.stringify({ ...structuredBody, data: 0 });
    const bare = HTTP.toEvent({ headers: { "content-type": "application/cloudevents+json" }, body });
    expect(bare).toHaveProperty("data", undefined);
    expect(readStructured({ data: 0 }).data).toBe(0);
  });

  test("JSON that it leaves a string because of the charset", () => {
    const message = { headers: { ...headers, "content-type": "application/json;charset=UTF-8" }, body: '{"a":1}' };
    expect(HTTP.toEvent(message)).toHaveProperty("data", '{"a":1}');
    expect(readEvent(message, receivedAt).data).toEqual({ a: 1 });
  });

  test("a batch that it returns as an array", () => {
    const message = { headers: { "content-type": "application/cloudevents-batch+json" }, body: "[]" };
    expect(HTTP.toEvent(message)).toEqual([]);
    expect(() => readEvent(message, receivedAt)).toThrow("batch");
  });
});
