import { EventSourceParserStream, type EventSourceMessage } from "eventsource-parser/stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { executionReported } from "#eventing/execution.ts";
import { allFunctions } from "#functions/all.ts";
import { collectExecution } from "#functions/collect-execution/collect-execution.ts";
import { readManifests } from "#shared/adapters/local-broker/read-manifests.ts";
import { logEventBody, type LogEventBody } from "#shared/api/log-events.ts";
import { errorBody, logsBody } from "#shared/api/schemas.ts";
import type { LiveChunk } from "#shared/ports/live-logs.ts";
import { apiRequest, openFunctionWorld, specText, type FunctionWorld } from "#shared/testing/function-world.ts";
import { createApi } from "./api.ts";
import { apiNeeds } from "./capabilities.ts";
import { streamLimits } from "./log-stream.ts";

const place = "/campaigns/node-24/repositories/acme/api";
const finished = "ran 1 steps\n";

let world: FunctionWorld;
let app: ReturnType<typeof createApi>;
const streams: Stream[] = [];
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions, transform: () => [] });
  app = createApi(world.opened.grant(apiNeeds), { pollMs: 1, heartbeatMs: 15_000, lastsMs: 240_000, atOnce: 2 });
  for (const name of ["api", "web"]) world.codeHost.addRepository({ owner: "acme", name, files: { a: "" } });
  await world.preview(specText({ steps: [{ name: "build", run: "true", image: "alpine:3" }] }));
  // The steps have ended; nobody has collected what they left.
  await world.settle({ stopBefore: executionReported });
});
afterEach(async () => {
  for (const stream of streams.splice(0)) await stream.leave();
  await world.close();
});

interface Stream {
  readonly response: Response;
  /** The next event; undefined at the end of the stream. */
  next(): Promise<{ readonly id: string | undefined; readonly body: LogEventBody } | undefined>;
  /** All events that are left. */
  rest(): Promise<readonly LogEventBody[]>;
  leave(): Promise<void>;
}

async function ask({ after, query = "" }: { readonly after?: string | undefined; readonly query?: string } = {}) {
  const asked = apiRequest("GET", `${place}/logs/stream${query}`);
  if (after !== undefined) asked.headers.set("last-event-id", after);
  return app.fetch(asked);
}

async function follow(options?: Parameters<typeof ask>[0]): Promise<Stream> {
  const response = await ask(options);
  const body = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  const reader: ReadableStreamDefaultReader<EventSourceMessage> | undefined = body?.getReader();
  const next: Stream["next"] = async () => {
    const { value } = (await reader?.read()) ?? {};
    return value === undefined ? undefined : { id: value.id, body: logEventBody.parse(JSON.parse(value.data)) };
  };
  const stream: Stream = {
    response,
    next,
    async rest() {
      const events: LogEventBody[] = [];
      for (let event = await next(); event !== undefined; event = await next()) events.push(event.body);
      return events;
    },
    async leave() {
      await reader?.cancel();
    },
  };
  streams.push(stream);
  return stream;
}

function executionId(name = "api"): string {
  const job = world.sandbox.started.find(({ source }) => source.name === name);
  if (job === undefined) throw new Error(`${name} was not started.`);
  return job.executionId;
}
const append = (...chunks: LiveChunk[]) =>
  world.stores.liveLogs.append({ executionId: executionId(), attempt: 1 }, chunks);
const chunk = (offset: number, text: string) => ({ step: 0, offset, bytes: Buffer.from(text) });
async function collect(): Promise<void> {
  const found = world.bus.published.find(
    ({ type, subject }) => type === executionReported.type && subject === executionId(),
  );
  if (found === undefined) throw new Error("It was not reported.");
  expect(await world.deliver(collectExecution, found)).toBe(202);
}
const textOf = (events: readonly LogEventBody[]): string =>
  events.map((event) => (event.event === "log" ? Buffer.from(event.base64, "base64").toString() : "")).join("");
async function refused(response: Response) {
  return [response.status, errorBody.parse(await response.json()).error] as const;
}

describe("a log stream", () => {
  test("tells what is printed before more is, and ends when the execution has ended", async () => {
    const stream = await follow();
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
    expect((await stream.next())?.body).toEqual({ event: "begin", attempt: 1 });
    await append(chunk(0, "ran "));
    expect((await stream.next())?.body).toEqual({ event: "step-started", step: 0, name: "build" });
    const first = (await stream.next())?.body;
    expect(first).toEqual({ event: "log", step: 0, offset: 0, base64: Buffer.from("ran ").toString("base64") });
    await append(chunk(4, "1 st"));
    expect((await stream.next())?.body).toMatchObject({ event: "log", offset: 4 });
    await collect();
    expect(await stream.rest()).toMatchObject([
      { event: "log", offset: 8 },
      { event: "step-finished", step: 0, status: "ran", exitCode: 0 },
      { event: "end", status: "no-change", whole: true },
    ]);
  });

  test("that is left goes on where it was, although the execution has ended since", async () => {
    const stream = await follow();
    await append(chunk(0, finished.slice(0, 5)));
    const [, , log] = [await stream.next(), await stream.next(), await stream.next()];
    await stream.leave();
    await collect();
    const events = await (await follow({ after: log?.id })).rest();
    expect([textOf(events), events.length]).toEqual([finished.slice(5), 3]);
  });

  test("of what has ended long ago tells all of it", async () => {
    await collect();
    expect(textOf(await (await follow()).rest())).toBe(finished);
  });

  test("ends after a while without an end, says when to come back, and goes on", async () => {
    await append(chunk(0, finished.slice(0, 5)));
    const stream = await follow();
    const [, , log] = [await stream.next(), await stream.next(), await stream.next()];
    world.clock.advance(240_000);
    expect(await stream.rest()).toEqual([]);
    await collect();
    expect(textOf(await (await follow({ after: log?.id })).rest())).toBe(finished.slice(5));
    const raw = await ask();
    expect(await raw.text()).toMatch(/^retry: \d+\n\n/);
  });

  test("says that it is alive when nothing happens", async () => {
    const { body } = await ask();
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const readTo = async (part: string): Promise<void> => {
      while (!text.includes(part)) {
        const { value } = (await reader?.read()) ?? {};
        if (value === undefined) throw new Error(`The stream ended without ${part}: ${text}`);
        text += value;
      }
    };
    await readTo("begin");
    world.clock.advance(15_000);
    await readTo("\n\n: nothing new\n\n");
    expect(text).toMatch(/\n\n: nothing new\n\n$/);
    await reader?.cancel();
  });

  test("of one step leaves out the others", async () => {
    await collect();
    expect((await (await follow({ query: "?step=3" })).rest()).map(({ event }) => event)).toEqual(["begin", "end"]);
    expect(textOf(await (await follow({ query: "?step=0" })).rest())).toBe(finished);
  });

  test("is refused when there are too many, until one is left", async () => {
    const [one] = [await follow(), await follow()];
    await one.next();
    const third = await ask();
    expect(third.headers.get("retry-after")).toBe("5");
    expect(await refused(third)).toMatchObject([503, { code: "too-many-followers" }]);
    await one.leave();
    await expect.poll(async () => (await follow()).response.status).toBe(200);
  });

  test("whose client does not read is cut off, and its place is free again", async () => {
    app = createApi(world.opened.grant(apiNeeds), { pollMs: 1, heartbeatMs: 15_000, lastsMs: 100, atOnce: 1 });
    for (let at = 0; at < 4; at += 1) await append({ ...chunk(at << 20, ""), bytes: Buffer.alloc(1 << 20, "x") });
    const silent = await ask();
    expect([silent.status, (await ask()).status]).toEqual([200, 503]);
    await expect.poll(async () => (await ask()).status, { timeout: 10_000 }).toBe(200);
    await silent.body?.cancel();
  });

  test.each([
    ["nonsense", 422],
    ["x-0123.1.0", 404],
  ])("does not go on from %s", async (after, status) => {
    expect((await ask({ after })).status).toBe(status);
  });

  test("does not go on from an event of another repository", async () => {
    const [status, error] = await refused(await ask({ after: `${executionId("web")}.1.0` }));
    expect([status, error.message]).toEqual([422, expect.stringContaining("another repository")]);
  });

  test("asks for a token", async () => {
    const response = await app.fetch(apiRequest("GET", `${place}/logs/stream`, undefined, "Bearer wrong"));
    expect(response.status).toBe(401);
  });
});

test("streams end before the platform ends them, and leave room for other requests", async () => {
  const { services } = await readManifests(new URL("../../knative", import.meta.url).pathname);
  const service = services.find(({ metadata }) => metadata.name === "api");
  const { timeoutSeconds = 0, containerConcurrency = 0 } = service?.spec.template.spec ?? {};
  expect(streamLimits.lastsMs + 30_000).toBeLessThan(timeoutSeconds * 1000);
  expect(streamLimits.atOnce * 2).toBeLessThanOrEqual(containerConcurrency);
});

describe("the logs of an execution", () => {
  const logs = async () => logsBody.parse(await (await app.fetch(apiRequest("GET", `${place}/logs`))).json());

  test("are what there is so far while it runs, and all of it once it has ended", async () => {
    expect(await logs()).toEqual({ status: "running", steps: [] });
    await append(chunk(0, "ran "));
    const step = { index: 0, name: "build", truncated: false };
    expect(await logs()).toEqual({
      status: "running",
      steps: [{ ...step, status: "running", durationMs: 0, log: "ran " }],
    });
    await collect();
    expect(await logs()).toMatchObject({ status: "no-change", steps: [{ status: "ran", log: finished }] });
  });

  test("of one that was killed are what it had printed, and why", async () => {
    // It was ended before it could leave a result.
    for (const key of await world.blobs.list("node-24/")) await world.blobs.remove(key);
    await append(chunk(0, "ran "));
    await world.call("POST", "/campaigns/node-24/kill");
    expect(await logs()).toMatchObject({ status: "cancelled", failure: expect.any(String), steps: [{ log: "ran " }] });
  });

  test("that have expired are not there, with the remedy", async () => {
    await collect();
    for (const key of await world.blobs.list("node-24/")) await world.blobs.remove(key);
    const answer = await refused(await app.fetch(apiRequest("GET", `${place}/logs`)));
    expect(answer).toMatchObject([404, { message: expect.stringContaining("octobatch preview node-24") }]);
  });
});
