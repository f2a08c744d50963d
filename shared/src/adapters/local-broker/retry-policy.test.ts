import { expect, test } from "vitest";
import { defaultDelivery, isRetried, retryPolicy, type Answer } from "./retry-policy.ts";

const now = new Date("2026-01-01T00:00:00.000Z");

function answer(status: number, retryAfter?: string): Answer {
  return { status, headers: retryAfter === undefined ? {} : { "retry-after": retryAfter }, body: Buffer.of() };
}

test("retries exactly what Knative's specification lists", () => {
  const statuses = Array.from({ length: 500 }, (_, index) => 100 + index);
  const retried = statuses.filter((status) => isRetried({ status }));
  expect(retried.filter((status) => status < 500)).toEqual([404, 408, 409, 429]);
  expect(retried.filter((status) => status >= 500)).toHaveLength(100);
  expect(isRetried({ status: undefined })).toBe(true);
});

test("doubles the wait when the policy is exponential", () => {
  const policy = retryPolicy(defaultDelivery);
  expect(policy.retries).toBe(10);
  const delays = Array.from({ length: 10 }, (_, retry) => policy.delayMs(retry, answer(500), now));
  expect(delays).toEqual([200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 102_400]);
});

test("adds to the wait when the policy is linear, and begins at once", () => {
  const policy = retryPolicy({ retry: 3, backoffPolicy: "linear", backoffDelay: "PT1S" });
  expect([0, 1, 2].map((retry) => policy.delayMs(retry, answer(500), now))).toEqual([0, 1000, 2000]);
});

test("does not wait without a policy and a delay", () => {
  expect(retryPolicy({ retry: 1, backoffDelay: "PT1S" }).delayMs(3, answer(500), now)).toBe(0);
  expect(retryPolicy({ retry: 1, backoffPolicy: "exponential" }).delayMs(3, answer(500), now)).toBe(0);
});

test("does not retry without a number of retries, and knows no timeout unless told", () => {
  expect(retryPolicy({})).toMatchObject({ retries: 0, timeoutMs: undefined });
  expect(retryPolicy({ timeout: "PT0S" }).timeoutMs).toBeUndefined();
  expect(retryPolicy({ timeout: "PT5S" }).timeoutMs).toBe(5000);
});

test.each([
  ["ignored unless the maximum is set", undefined, answer(503, "30"), 200],
  ["ignored when the maximum is zero", "PT0S", answer(503, "30"), 200],
  ["heeded on a 503", "PT1M", answer(503, "30"), 30_000],
  ["heeded on a 429", "PT1M", answer(429, "30"), 30_000],
  ["ignored on a 500", "PT1M", answer(500, "30"), 200],
  ["cut to the maximum", "PT10S", answer(503, "30"), 10_000],
  ["no reason to wait less", "PT1M", answer(503, "0"), 200],
  ["read as a date too", "PT1M", answer(503, "Thu, 01 Jan 2026 00:00:20 GMT"), 20_000],
  ["ignored when the date is past", "PT1M", answer(503, "Thu, 01 Jan 2015 00:00:20 GMT"), 200],
  ["ignored when it is neither", "PT1M", answer(503, "soon"), 200],
])("Retry-After is %s", (_, retryAfterMax, answered, expected) => {
  const delivery = { ...defaultDelivery, ...(retryAfterMax === undefined ? {} : { retryAfterMax }) };
  expect(retryPolicy(delivery).delayMs(0, answered, now)).toBe(expected);
});
