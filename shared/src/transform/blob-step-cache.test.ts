import { expect, test } from "vitest";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import { createBlobStepCache, keyOfCachedStep } from "./blob-step-cache.ts";
import { emptySnapshot, encodeSnapshot } from "./snapshot.ts";

const key = "0123456789abcdef".repeat(4);

test("nobody waits for the disk when a step is kept", async () => {
  const kept = createMemoryBlobStore();
  const asked: unknown[] = [];
  const blobs: BlobStore = {
    ...kept,
    async put(name, bytes, options) {
      asked.push([name, options]);
      return kept.put(name, bytes, options);
    },
  };
  const cache = createBlobStepCache(blobs, { warn: () => undefined });
  const bytes = await encodeSnapshot("about", emptySnapshot);
  await cache.put(key, bytes);
  expect(asked).toEqual([[keyOfCachedStep(key), { durable: false }]]);
  expect(await cache.get(key)).toEqual(new Uint8Array(bytes));
});

test("a step that a loss of power has damaged makes room for the next to keep it", async () => {
  const blobs = createMemoryBlobStore();
  const warned: string[] = [];
  const cache = createBlobStepCache(blobs, { warn: (_, message) => warned.push(message) });
  const bytes = await encodeSnapshot("about", emptySnapshot);
  await blobs.put(keyOfCachedStep(key), new Uint8Array(bytes.length));
  expect(await cache.get(key)).toBeUndefined();
  expect(warned).toEqual(["a cached step is damaged; it runs instead"]);
  await cache.put(key, bytes);
  expect(await cache.get(key)).toEqual(new Uint8Array(bytes));
});
