import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { putFarAway } from "./far-away.ts";

test("what is sent arrives whole and in order, each way half a round trip later", async () => {
  const heard: number[] = [];
  const server = createServer((request, response) => {
    heard.push(performance.now());
    request.pipe(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const far = await putFarAway({ url, roundTripMs: 200 });
  onTestFinished(() => far.close());

  const body = Buffer.from(Array.from({ length: 1 << 20 }, (_, index) => index % 251));
  const asked = performance.now();
  const response = await fetch(far.url, { method: "POST", body });
  expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true);
  const answered = performance.now();
  // A timer may end a millisecond early, never sooner.
  expect((heard[0] ?? 0) - asked).toBeGreaterThan(98);
  expect(answered - (heard[0] ?? 0)).toBeGreaterThan(98);
});
