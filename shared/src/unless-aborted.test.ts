import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { unlessAborted } from "./unless-aborted.ts";

const never = new Promise<never>(() => undefined);

test("what the work comes to is what is answered, and nothing is left at the signal", async () => {
  const { signal } = new AbortController();
  expect(await unlessAborted(signal, Promise.resolve("done"))).toBe("done");
  await expect(unlessAborted(signal, Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("a signal that comes first ends the waiting with its reason", async () => {
  const abort = new AbortController();
  const waiting = unlessAborted(abort.signal, never);
  abort.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  expect(getEventListeners(abort.signal, "abort")).toEqual([]);
});

test("a signal that has come already leaves no work time to answer", async () => {
  const signal = AbortSignal.abort(new Error("too late"));
  await expect(unlessAborted(signal, Promise.resolve("done"))).rejects.toThrow("too late");
});
