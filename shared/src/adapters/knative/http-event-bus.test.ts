import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { startLocalBroker } from "#shared/adapters/local-broker/local-broker.ts";
import { aTrigger, recordingLog, someManifests, startSubscribers } from "#shared/adapters/local-broker/testing.ts";
import { systemTimers } from "#shared/adapters/local-broker/timers.ts";
import { EventBusUnavailable } from "#shared/ports/event-bus.ts";
import { anEvent, eventBusContract } from "#shared/testing/event-bus.contract.ts";
import { createHttpEventBus } from "./http-event-bus.ts";

eventBusContract("the HTTP event bus, to the local broker", async () => {
  const subscribers = await startSubscribers();
  const broker = await startLocalBroker({
    manifests: someManifests([aTrigger("everything")]),
    resolve: subscribers.resolve,
    timers: systemTimers,
    random: () => 0,
    log: recordingLog(),
  });
  return {
    bus: createHttpEventBus({ sinkUrl: broker.url, timeoutMs: 10_000 }),
    async received() {
      await broker.idle();
      return subscribers.received("everything");
    },
    goDown: () => broker.close(),
    async close() {
      await broker.close();
      await subscribers.close();
    },
  };
});

const closing = new Array<() => Promise<void>>();
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function startSink(listener: RequestListener): Promise<URL> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await server[Symbol.asyncDispose]();
  });
  // A server that listens on a port has an address of this form.
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/octobatch/octobatch`);
}

// The SDK's own transport resolves on 503 and never gives up.
test.each([302, 400, 404, 429, 503])("an answer of %i is no acceptance, and its text is passed on", async (status) => {
  const sinkUrl = await startSink((_, response) =>
    response.writeHead(status, { location: "/else" }).end("because of this"),
  );
  const publishing = createHttpEventBus({ sinkUrl, timeoutMs: 10_000 }).publish(anEvent());
  await expect(publishing).rejects.toThrow(EventBusUnavailable);
  await expect(publishing).rejects.toThrow(`${status}: because of this`);
});

test("a broker that does not answer is unavailable", async () => {
  const sinkUrl = await startSink(() => {});
  await expect(createHttpEventBus({ sinkUrl, timeoutMs: 20 }).publish(anEvent())).rejects.toThrow(
    /task-1 .* to http:.* within 20 ms/,
  );
});

test("sends one POST in binary mode, with the trace in it", async () => {
  const requests = new Array<string>();
  const sinkUrl = await startSink((request, response) => {
    requests.push(
      `${request.method} ${request.url} ${request.headers["content-type"]} ${String(request.headers["ce-traceparent"])}`,
    );
    response.writeHead(202).end();
  });
  await createHttpEventBus({ sinkUrl, timeoutMs: 10_000 }).publish(anEvent());
  expect(requests).toEqual([`POST /octobatch/octobatch application/json ${anEvent().extensions?.["traceparent"]}`]);
});
