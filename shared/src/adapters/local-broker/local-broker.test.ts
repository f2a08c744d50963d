import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeEvent } from "#shared/adapters/knative/cloud-events.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { anEvent } from "#shared/testing/event-bus.contract.ts";
import { createLocalBroker, startLocalBroker, type LocalBroker, type LocalBrokerOptions } from "./local-broker.ts";
import { createManualTimers, type ManualTimers } from "./manual-timers.ts";
import { InvalidManifest, manifestSchemas, type Manifests } from "./manifests.ts";
import {
  aService,
  aTrigger,
  recordingLog,
  someManifests,
  startSubscribers,
  toService,
  type Subscribers,
} from "./testing.ts";

let timers: ManualTimers;
let log: ReturnType<typeof recordingLog>;
let subscribers: Subscribers;
let broker: LocalBroker;

beforeEach(() => {
  timers = createManualTimers();
  log = recordingLog();
});

const opened = new Array<{ close(): Promise<void> }>();
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

async function open(
  manifests: Manifests,
  answer?: Parameters<typeof startSubscribers>[0],
  options: Partial<LocalBrokerOptions> = {},
): Promise<void> {
  subscribers = await startSubscribers(answer);
  const { resolve } = subscribers;
  broker = await startLocalBroker({ manifests, resolve, timers, random: () => 0, log, ...options });
  opened.push(subscribers, broker);
}

async function publish(event: BusEvent): Promise<number> {
  const { headers, body } = writeEvent(event);
  return (await fetch(broker.url, { method: "POST", headers, body: Buffer.from(body) })).status;
}

const ids = (name: string) => subscribers.received(name).map(({ id }) => id);

describe("delivering", () => {
  test("accepts with 202, and delivers to each Trigger that wants the event and to no other", async () => {
    const typed = (type: string) => ({ filter: { attributes: { type } } });
    await open(someManifests([aTrigger("a", typed("a.v1")), aTrigger("b", typed("b.v1")), aTrigger("all")]));
    expect(await publish(anEvent({ id: "1", type: "a.v1" }))).toBe(202);
    expect(await publish(anEvent({ id: "2", type: "c.v1" }))).toBe(202);
    await broker.idle();
    expect([ids("a"), ids("b"), ids("all").sort()]).toEqual([["1"], [], ["1", "2"]]);
  });

  test("adds the time of arrival and nothing else that subscribers see", async () => {
    await open(someManifests([aTrigger("all")]));
    await publish(anEvent({ extensions: { knativebrokerttl: "7" } }));
    await broker.idle();
    const knativearrivaltime = timers.now().toISOString();
    expect(subscribers.received("all")).toEqual([anEvent({ extensions: { knativearrivaltime } })]);
  });

  test("repeats what fails for a while, with the manifest's waits", async () => {
    const delivery = { retry: 3, backoffPolicy: "exponential", backoffDelay: "PT0.2S" } as const;
    await open(someManifests([aTrigger("a", { delivery })]), (_, __, attempt) => (attempt < 3 ? 503 : 202));
    await publish(anEvent());
    expect([await timers.passToNext(), await timers.passToNext()]).toEqual([200, 400]);
    await broker.idle();
    expect(ids("a")).toHaveLength(3);
    expect(ids("bury")).toEqual([]);
  });

  test("waits as long as Retry-After says, up to the manifest's maximum", async () => {
    const delivery = { retry: 1, retryAfterMax: "PT10S" };
    await open(someManifests([aTrigger("a", { delivery })]), (_, __, attempt) =>
      attempt === 1 ? { status: 429, headers: { "retry-after": "60" } } : 204,
    );
    await publish(anEvent());
    expect(await timers.passToNext()).toBe(10_000);
    await broker.idle();
    expect(ids("a")).toHaveLength(2);
  });

  test("gives up on a subscriber that does not answer in time, and tries again", async () => {
    const delivery = { retry: 1, timeout: "PT5S", backoffPolicy: "exponential", backoffDelay: "PT1S" } as const;
    const never = new Promise<number>(() => {});
    await open(someManifests([aTrigger("a", { delivery })]), (_, __, attempt) => (attempt === 1 ? never : 202));
    await publish(anEvent());
    await expect.poll(() => ids("a")).toHaveLength(1);
    expect([await timers.passToNext(), await timers.passToNext()]).toEqual([5000, 1000]);
    await broker.idle();
    expect(ids("a")).toHaveLength(2);
  });

  test("sends no more requests at once than a Service's pods may take", async () => {
    const gate = Promise.withResolvers<number>();
    const service = aService("a", { containerConcurrency: 2, maxScale: 2 });
    await open(someManifests([aTrigger("a")], [service]), () => gate.promise);
    await Promise.all(Array.from({ length: 9 }, (_, index) => publish(anEvent({ id: `${index}` }))));
    await expect.poll(() => subscribers.load.now).toBe(4);
    gate.resolve(202);
    await broker.idle();
    expect(subscribers.load.most).toBe(4);
    expect(ids("a").sort()).toEqual(Array.from({ length: 9 }, (_, index) => `${index}`));
  });

  test("a subscriber may be any address", async () => {
    await open(someManifests([aTrigger("a")]));
    const trigger = aTrigger("elsewhere");
    const subscriber = { uri: subscribers.resolve("address").href };
    await broker.close();
    const manifests = someManifests([{ ...trigger, spec: { ...trigger.spec, subscriber } }]);
    broker = await startLocalBroker({ manifests, resolve: subscribers.resolve, timers, random: () => 0, log });
    opened.push(broker);
    await publish(anEvent());
    await broker.idle();
    expect(ids("address")).toEqual(["task-1"]);
  });
});

describe("dead letters", () => {
  test("are the event as it was, with where and how it failed", async () => {
    await open(someManifests([aTrigger("a")]), (name) => (name === "a" ? { status: 422, body: "never" } : 202));
    await publish(anEvent());
    await broker.idle();
    const [letter] = subscribers.received("bury");
    expect(letter).toMatchObject(anEvent());
    expect(letter?.extensions).toMatchObject({
      knativeerrordest: subscribers.resolve("a").href,
      knativeerrorcode: "422",
      knativeerrordata: Buffer.from("never").toString("base64"),
    });
    expect(ids("a")).toHaveLength(1);
  });

  test("come from an address where nobody listens, too", async () => {
    const resolve = (name: string) => (name === "a" ? new URL("http://127.0.0.1:1/") : subscribers.resolve(name));
    await open(someManifests([aTrigger("a")]), () => 202, { resolve });
    await publish(anEvent());
    await broker.idle();
    expect(subscribers.received("bury")).toMatchObject([{ extensions: { knativeerrorcode: "500" } }]);
  });

  test("are delivered with the same retries, and dropped after them", async () => {
    const delivery = { retry: 1, backoffPolicy: "exponential", backoffDelay: "PT1S" } as const;
    await open(someManifests([aTrigger("a", { delivery })]), () => 503);
    await publish(anEvent());
    expect([await timers.passToNext(), await timers.passToNext()]).toEqual([1000, 1000]);
    await broker.idle();
    expect([ids("a"), ids("bury")].map(({ length }) => length)).toEqual([2, 2]);
    expect(log.messages).toEqual(["Event dropped: the dead letter sink did not take it either."]);
  });

  test("go to the Trigger's own sink; its delivery replaces the Broker's retries but for the sink", async () => {
    const manifests = someManifests(
      [aTrigger("a", { delivery: { deadLetterSink: toService("own") } }), aTrigger("b", { delivery: { retry: 0 } })],
      [aService("own")],
    );
    const [only] = manifests.brokers;
    const brokers = only === undefined ? [] : [{ ...only, spec: { delivery: { ...only.spec.delivery, retry: 9 } } }];
    await open({ ...manifests, brokers }, (name) => (name === "a" || name === "b" ? 503 : 202));
    await publish(anEvent());
    await broker.idle();
    expect([ids("a"), ids("own"), ids("b"), ids("bury")].map(({ length }) => length)).toEqual([1, 1, 1, 1]);
  });

  test("are dropped, and it is said, when there is no sink", async () => {
    const manifests = someManifests([aTrigger("a", { delivery: {} })]);
    const brokers = manifests.brokers.map((one) => ({ ...one, spec: {} }));
    await open({ ...manifests, brokers }, () => 400);
    await publish(anEvent());
    await broker.idle();
    expect(log.messages).toEqual(["Event dropped: its delivery failed and there is no dead letter sink."]);
  });

  test("a Service without an address costs nobody else anything", async () => {
    const resolve = (name: string) => {
      if (name === "a") throw new Error("not started");
      return subscribers.resolve(name);
    };
    await open(someManifests([aTrigger("a"), aTrigger("b")]), () => 202, { resolve });
    await publish(anEvent());
    await broker.idle();
    expect(ids("b")).toHaveLength(1);
    expect(log.messages).toEqual(["Event dropped: its subscriber or dead letter sink has no address."]);
  });
});

describe("replies", () => {
  const reply = (event: BusEvent) => {
    const { headers, body } = writeEvent(event, "structured");
    return { status: 200, headers: { ...headers }, body };
  };

  test("are routed like any other event", async () => {
    const typed = (type: string) => ({ filter: { attributes: { type } } });
    await open(someManifests([aTrigger("a", typed("a.v1")), aTrigger("b", typed("b.v1"))]), (name) =>
      name === "a" ? reply(anEvent({ id: "2", type: "b.v1" })) : 202,
    );
    await publish(anEvent({ id: "1", type: "a.v1" }));
    await broker.idle();
    expect(subscribers.received("b")).toMatchObject([{ id: "2", type: "b.v1" }]);
    expect(subscribers.received("b")[0]?.extensions).not.toHaveProperty("knativebrokerttl");
  });

  test("that lead to each other for ever end after 255 hops", async () => {
    await open(someManifests([aTrigger("a")]), (name, event) => (name === "a" ? reply(event) : 202));
    await publish(anEvent());
    await broker.idle();
    expect(ids("a")).toHaveLength(255);
    expect(subscribers.received("bury")).toMatchObject([{ extensions: { knativeerrorcode: "400" } }]);
  });
});

describe("the ingress", () => {
  beforeEach(() => open(someManifests([aTrigger("a")])));

  const post = (path: string, headers: Record<string, string>, body = "{}") =>
    fetch(new URL(path, broker.url), { method: "POST", headers, body });

  test("refuses a malformed event, and says what is wrong", async () => {
    const { headers } = writeEvent(anEvent());
    const answer = await post("/octobatch/octobatch", { ...headers, "ce-specversion": "9" });
    expect([answer.status, await answer.text()]).toEqual([400, `The event's specversion is "9"; expected "1.0".`]);
    expect((await post("/octobatch/octobatch", {})).status).toBe(400);
  });

  test("refuses a batch", async () => {
    const answer = await post("/octobatch/octobatch", { "content-type": "application/cloudevents-batch+json" }, "[]");
    expect(answer.status).toBe(400);
  });

  test("refuses what no broker would carry", async () => {
    const answer = await post(
      "/octobatch/octobatch",
      { ...writeEvent(anEvent()).headers },
      `"${"x".repeat(1_100_000)}"`,
    );
    expect(answer.status).toBe(413);
  });

  test.each(["/", "/octobatch", "/octobatch/other"])("knows no broker at %s", async (path) => {
    expect((await post(path, {})).status).toBe(404);
  });

  test("takes POST only, and answers the handshake of webhooks", async () => {
    expect((await fetch(broker.url)).status).toBe(405);
    const handshake = await fetch(broker.url, { method: "OPTIONS" });
    expect([handshake.status, handshake.headers.get("webhook-allowed-rate")]).toEqual([200, "*"]);
  });
});

describe("closing", () => {
  test("abandons what waits for a retry, without a dead letter", async () => {
    const delivery = { retry: 9, backoffPolicy: "exponential", backoffDelay: "PT1H" } as const;
    await open(someManifests([aTrigger("a", { delivery })]), () => 503);
    await publish(anEvent());
    await expect.poll(() => timers.waiting()).toEqual([3_600_000]);
    await broker.close();
    expect([ids("a"), ids("bury")].map(({ length }) => length)).toEqual([1, 0]);
    expect(timers.waiting()).toEqual([]);
  });

  test("lets a request under way end", async () => {
    const gate = Promise.withResolvers<number>();
    await open(someManifests([aTrigger("a")]), () => gate.promise);
    await publish(anEvent());
    await expect.poll(() => subscribers.load.now).toBe(1);
    const closing = broker.close();
    gate.resolve(202);
    await closing;
    expect(log.messages).toEqual([]);
  });

  test("ends a request that takes longer than it may", async () => {
    await open(someManifests([aTrigger("a")]), () => new Promise<number>(() => {}));
    await publish(anEvent());
    await expect.poll(() => subscribers.load.now).toBe(1);
    const closing = broker.close(5000);
    expect(await timers.passToNext()).toBe(5000);
    await closing;
    expect(log.messages).toEqual(["Event abandoned: the broker is closing."]);
  });
});

test("shares a server with others when it is mounted, and refuses events once it closes", async () => {
  const resolve = () => new URL("http://127.0.0.1:1/");
  const mounted = createLocalBroker({ manifests: someManifests([]), resolve, timers, random: () => 0, log });
  const server = createServer((request, response) => mounted.handleIngress(request, response));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  opened.push({ close: () => server[Symbol.asyncDispose]() });
  // A server that listens on a port has an address of this form.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${mounted.path}`;
  const { headers, body } = writeEvent(anEvent());
  const post = async () => (await fetch(url, { method: "POST", headers, body })).status;
  expect(await post()).toBe(202);
  await mounted.close();
  expect(await post()).toBe(503);
});

test("pings by the PingSource's schedule until it is closed", async () => {
  const ref = { apiVersion: "eventing.knative.dev/v1", kind: "Broker", name: "octobatch" };
  const tick = {
    metadata: { name: "tick", namespace: "octobatch" },
    spec: { schedule: "*/10 * * * * *", sink: { ref } },
  };
  const pingSources = [manifestSchemas["sources.knative.dev/v1 PingSource"].parse(tick)];
  await open({ ...someManifests([aTrigger("a")]), pingSources });
  expect([await timers.passToNext(), await timers.passToNext(), await timers.passToNext()]).toEqual([
    10_000, 0, 10_000,
  ]);
  await broker.idle();
  expect(subscribers.received("a")).toMatchObject([{ type: "dev.knative.sources.ping" }]);
  await broker.close();
  expect(timers.waiting()).toEqual([]);
});

describe("disturbed", () => {
  test("delivers every event twice", async () => {
    await open(someManifests([aTrigger("a")]), () => 202, { disturb: { duplicate: true } });
    await publish(anEvent());
    await broker.idle();
    expect(ids("a")).toEqual(["task-1", "task-1"]);
  });

  test("lets later events overtake earlier ones", async () => {
    const randoms = [0.9, 0.5, 0.1];
    const random = () => randoms.shift() ?? 0;
    await open(someManifests([aTrigger("a")]), () => 202, { disturb: { shuffleWithinMs: 1000 }, random });
    for (const id of ["1", "2", "3"]) await publish(anEvent({ id }));
    for (const delivered of [1, 2, 3]) {
      await timers.passToNext();
      await expect.poll(() => ids("a")).toHaveLength(delivered);
    }
    expect(ids("a")).toEqual(["3", "2", "1"]);
  });
});

describe("manifests that lead nowhere are refused:", () => {
  const manifests = someManifests([aTrigger("a")]);
  test.each<[string, Manifests, string]>([
    ["no Broker", { ...manifests, brokers: [] }, "exactly one Broker; there are 0"],
    ["two Brokers", { ...manifests, brokers: [...manifests.brokers, ...manifests.brokers] }, "there are 2"],
    ["a Trigger without its Service", { ...manifests, services: [aService("bury")] }, "Trigger a names Service a"],
    ["a dead letter sink without its Service", { ...manifests, services: [aService("a")] }, "names Service bury"],
  ])("%s", (_, wrong, message) => {
    const create = () => {
      createLocalBroker({ manifests: wrong, resolve: () => new URL("http://localhost"), timers, random: () => 0, log });
    };
    expect(create).toThrow(InvalidManifest);
    expect(create).toThrow(message);
  });
});
