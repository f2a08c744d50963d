import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changesetNudged } from "#eventing/changeset.ts";
import { ticked } from "#eventing/tick.ts";
import { writeEvent } from "#shared/adapters/knative/cloud-events.ts";
import { taskFor } from "#shared/task/task.ts";
import { openFunctionWorld, type FunctionWorld } from "#shared/testing/function-world.ts";
import { defineFunction, defineHttpFunction, type OctobatchFunction } from "./define-function.ts";
import { createEndpoint, type Endpoint } from "./function-endpoint.ts";

let world: FunctionWorld;
let heard: unknown[];
let kicks: number;
const probe = defineFunction({
  name: "probe",
  on: ticked,
  needs: ["clock"],
  handle: async (data, _, event) => {
    heard.push({ data, id: event.id });
    return { did: "it" };
  },
});
const event = { id: "1", source: "/test", type: ticked.type, time: new Date(0), data: { a: "ü" } };

function endpointOf(
  definition: OctobatchFunction,
  checks: Readonly<Record<string, () => Promise<void>>> = {},
): Endpoint {
  const { opened, stores, clock, log } = world;
  return createEndpoint({
    definition,
    capabilities: opened.grant(definition.needs),
    tasks: stores.tasks,
    clock,
    log,
    checks: new Map(Object.entries(checks)),
    afterwards: () => {
      kicks += 1;
    },
  });
}
const post = (init: RequestInit & { duplex?: "half" }) => new Request("http://f.test/", { method: "POST", ...init });

beforeEach(async () => {
  heard = [];
  kicks = 0;
  world = await openFunctionWorld({ functions: [probe] });
});
afterEach(() => world.close());

describe("a function that reacts to events", () => {
  test.each(["binary", "structured"] as const)("takes a %s event, and answers 202 with an empty body", async (mode) => {
    const response = await endpointOf(probe)(post(writeEvent(event, mode)));
    expect(response.status).toBe(202);
    expect(await response.text()).toBe("");
    expect(heard).toEqual([{ id: "1", data: { a: "ü" } }]);
    expect(kicks).toBe(1);
  });

  test.each([
    ["no event at all", { body: "hello" }],
    ["an empty body without headers", {}],
    ["broken JSON", { ...writeEvent(event), body: "{" }],
    ["bytes that are no UTF-8", { headers: writeEvent(event).headers, body: Buffer.from([0x22, 0xff, 0x22]) }],
    ["a batch", { headers: { "content-type": "application/cloudevents-batch+json" }, body: "[]" }],
  ])("answers 400 with an empty body to %s", async (_, init) => {
    const response = await endpointOf(probe)(post(init));
    expect([response.status, await response.text(), heard]).toEqual([400, "", []]);
  });

  test("answers 405 to what is no POST", async () => {
    const response = await endpointOf(probe)(new Request("http://f.test/"));
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  });

  test("answers 413 to what is too large, and reads no more of it than that", async () => {
    const large = "x".repeat(2 * 1024 * 1024);
    const declared = post({ body: large, headers: { "content-length": String(large.length) } });
    expect((await endpointOf(probe)(declared)).status).toBe(413);
    let sentBytes = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sentBytes += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    expect((await endpointOf(probe)(post({ body: endless, duplex: "half" }))).status).toBe(413);
    expect(sentBytes).toBeLessThan(2 * 1024 * 1024);
  });
});

describe("a function that answers requests", () => {
  const echo = (...needs: readonly ("clock" | "tasks")[]) =>
    defineHttpFunction({
      name: "echo",
      needs,
      routes: () => async (request) => new Response(new URL(request.url).pathname),
    });

  test("gets those to any path", async () => {
    const response = await endpointOf(echo("clock"))(new Request("http://f.test/any/path"));
    expect(await response.text()).toBe("/any/path");
  });

  test("has what it writes released afterwards, if it writes tasks at all", async () => {
    await endpointOf(echo("tasks"))(post({}));
    expect(kicks).toBe(1);
    await endpointOf(echo("tasks"))(new Request("http://f.test/"));
    await endpointOf(echo("clock"))(post({}));
    expect(kicks).toBe(1);
  });
});

test("an event that was handled before, or whose work goes on elsewhere, releases nothing", async () => {
  const waiting = defineFunction({
    name: "waiting",
    on: changesetNudged,
    needs: ["clock"],
    handle: async () => ({ awaiting: "its steps", recheckAfterMs: 1000 }),
  });
  const data = { changesetId: "c-1" };
  const task = taskFor(changesetNudged, data, { organization: "acme", notBefore: world.clock.now(), dedupe: [] });
  await world.stores.tasks.addAll([task], world.clock.now());
  const announced = { ...event, id: task.id, type: task.type, data };
  const endpoint = endpointOf(waiting);
  expect((await endpoint(post(writeEvent(announced)))).status).toBe(202);
  expect(await world.stores.tasks.find(task.id)).toMatchObject({ state: "awaiting" });
  await world.stores.tasks.finishAllOf([task.type], task.subject, world.clock.now());
  expect((await endpoint(post(writeEvent(announced)))).status).toBe(202);
  expect(kicks).toBe(0);
});

describe("health", () => {
  const checks = {
    postgres: () => Promise.resolve(),
    codeHost: () => Promise.reject(new Error("GitHub does not know this App.")),
  };

  test("/healthz names each part that does not work, and why", async () => {
    const response = await endpointOf(probe, checks)(new Request("http://f.test/healthz"));
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ postgres: "ok", codeHost: "GitHub does not know this App." });
  });

  test("/readyz asks Postgres alone: without the rest a function still writes down what has to wait", async () => {
    expect((await endpointOf(probe, checks)(new Request("http://f.test/readyz"))).status).toBe(200);
    const dead = { postgres: () => Promise.reject(new Error("Postgres does not answer.")) };
    const response = await endpointOf(probe, dead)(new Request("http://f.test/readyz"));
    expect([response.status, await response.json()]).toEqual([503, { postgres: "Postgres does not answer." }]);
  });

  test("asking for it releases nothing", async () => {
    await endpointOf(probe, checks)(new Request("http://f.test/healthz"));
    expect(kicks).toBe(0);
  });
});
