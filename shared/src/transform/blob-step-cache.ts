import { BlobNotFound, type BlobStore } from "#shared/ports/blob-store.ts";
import { isWholeSnapshot } from "./snapshot.ts";
import type { StepCache } from "./step-cache.ts";

/**
 * Keeps steps among the artifacts, below `cache/`. Blobs are written once: the first to come to a result is right. One that a
 * loss of power has damaged is removed, so that whoever runs the step can keep it anew.
 */
export function createBlobStepCache(
  blobs: Pick<BlobStore, "get" | "put" | "remove">,
  log: { warn(fields: Record<string, unknown>, message: string): void },
): StepCache {
  return {
    async get(key) {
      try {
        const bytes = await blobs.get(keyOfCachedStep(key));
        if (isWholeSnapshot(bytes)) return bytes;
        log.warn({ key }, "a cached step is damaged; it runs instead");
        await blobs.remove(keyOfCachedStep(key));
        return undefined;
      } catch (error) {
        if (!(error instanceof BlobNotFound)) log.warn({ err: error }, "a cached step cannot be read; it runs instead");
        return undefined;
      }
    },
    async put(key, bytes) {
      try {
        await blobs.put(keyOfCachedStep(key), bytes, { durable: false });
      } catch (error) {
        log.warn({ err: error }, "a step's result cannot be kept; it runs again next time");
      }
    },
  };
}

/** @param key 64 hexadecimal digits. */
export function keyOfCachedStep(key: string): string {
  return `cache/${key.slice(0, 2)}/${key}`;
}
