import { expect, test } from "vitest";
import { createInProcess } from "./in-process.ts";

const origin = "http://127.0.0.1:1";
const init = { method: "POST", headers: { "ce-id": "1" }, body: Buffer.from("{}") };

test("a request to the origin reaches the endpoint with its path, headers and body, and no port", async () => {
  const { fetch } = createInProcess(
    async (request) =>
      Response.json([new URL(request.url).pathname, request.headers.get("ce-id"), await request.text()], {
        status: 202,
      }),
    () => origin,
  );
  const response = await fetch(`${origin}/select-page`, init);
  expect([response.status, await response.json()]).toEqual([202, ["/select-page", "1", "{}"]]);
});

test("a request elsewhere goes out", async () => {
  const { fetch } = createInProcess(
    async () => new Response("here"),
    () => origin,
  );
  expect(await (await fetch("data:text/plain,there")).text()).toBe("there");
});

test("an endpoint that throws answers 500", async () => {
  const { fetch } = createInProcess(
    () => Promise.reject(new Error("it broke")),
    () => origin,
  );
  expect((await fetch(origin, init)).status).toBe(500);
});

test("who gives up waiting hears why, and the endpoint works on until it is closed", async () => {
  const asked = Promise.withResolvers<void>();
  const go = Promise.withResolvers<Response>();
  const inProcess = createInProcess(
    () => {
      asked.resolve();
      return go.promise;
    },
    () => origin,
  );
  const abort = new AbortController();
  const answer = inProcess.fetch(origin, { ...init, signal: abort.signal });
  await asked.promise;
  abort.abort(new Error("no answer within 5 ms"));
  await expect(answer).rejects.toThrow("no answer within 5 ms");
  let isClosed = false;
  const closing = inProcess.close(60_000).then(() => (isClosed = true));
  await expect(inProcess.fetch(origin, init)).rejects.toThrow("fetch failed");
  expect(isClosed).toBe(false);
  go.resolve(new Response());
  await closing;
});
