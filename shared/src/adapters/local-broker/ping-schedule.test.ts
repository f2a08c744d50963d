import { expect, test } from "vitest";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { InvalidManifest, manifestSchemas } from "./manifests.ts";
import { createManualTimers } from "./manual-timers.ts";
import { startPinging } from "./ping-schedule.ts";

function aPingSource(spec: { schedule: string; timezone?: string; data?: string; ceOverrides?: object }) {
  return manifestSchemas["sources.knative.dev/v1 PingSource"].parse({
    metadata: { name: "tick", namespace: "octobatch" },
    spec: { sink: { ref: { apiVersion: "eventing.knative.dev/v1", kind: "Broker", name: "octobatch" } }, ...spec },
  });
}

/** The first pings from a moment on. */
async function pings(spec: Parameters<typeof aPingSource>[0], start: string, count: number): Promise<BusEvent[]> {
  const timers = createManualTimers(new Date(start));
  const events = new Array<BusEvent>();
  const stop = startPinging(aPingSource(spec), { timers, random: () => 0, emit: (event) => void events.push(event) });
  while (events.length < count) await timers.passToNext();
  stop();
  expect(timers.waiting()).toEqual([]);
  return events;
}

async function times(...args: Parameters<typeof pings>): Promise<string[]> {
  return (await pings(...args)).map(({ time }) => time.toISOString());
}

test("keeps to the seconds field, and does not ping before its first time", async () => {
  expect(await times({ schedule: "*/10 * * * * *" }, "2026-01-01T00:00:03.000Z", 3)).toEqual([
    "2026-01-01T00:00:10.000Z",
    "2026-01-01T00:00:20.000Z",
    "2026-01-01T00:00:30.000Z",
  ]);
});

test("takes five fields as minutes, in UTC", async () => {
  expect(await times({ schedule: "30 2 * * *" }, "2026-01-01T00:00:00.000Z", 1)).toEqual(["2026-01-01T02:30:00.000Z"]);
});

test("keeps to the time zone, also when its clocks change", async () => {
  const inBerlin = { schedule: "0 9 * * *", timezone: "Europe/Berlin" };
  expect(await times(inBerlin, "2026-03-28T00:00:00.000Z", 2)).toEqual([
    "2026-03-28T08:00:00.000Z",
    "2026-03-29T07:00:00.000Z",
  ]);
});

test("waits longer than a timer can", async () => {
  expect(await times({ schedule: "0 0 1 7 *" }, "2026-01-01T00:00:00.000Z", 1)).toEqual(["2026-07-01T00:00:00.000Z"]);
});

test("spreads the pings over half a second", async () => {
  const timers = createManualTimers();
  const stop = startPinging(aPingSource({ schedule: "* * * * *" }), { timers, random: () => 0.5, emit: () => {} });
  await timers.passToNext();
  expect(timers.waiting()).toEqual([250, 60_000]);
  stop();
});

test("sends the event that Knative's PingSource sends", async () => {
  const spec = { schedule: "* * * * *", data: '{"a":1}', ceOverrides: { extensions: { partitionkey: "p" } } };
  const [first, second] = await pings(spec, "2026-01-01T00:00:00.000Z", 2);
  expect(first).toMatchObject({
    type: "dev.knative.sources.ping",
    source: "/apis/v1/namespaces/octobatch/pingsources/tick",
    data: { a: 1 },
    extensions: { partitionkey: "p" },
  });
  expect(first?.id).not.toBe(second?.id);
});

test.each([
  [{ schedule: "every day" }, "schedule every day"],
  [{ schedule: "* * * * * * *" }, "schedule"],
  [{ schedule: "* * * * *", timezone: "Mars/Olympus" }, "Mars/Olympus"],
  [{ schedule: "* * * * *", data: "{" }, "data cannot be read"],
])("refuses %j", (spec, message) => {
  const start = () =>
    startPinging(aPingSource(spec), { timers: createManualTimers(), random: () => 0, emit: () => {} });
  expect(start).toThrow(InvalidManifest);
  expect(start).toThrow(message);
});
