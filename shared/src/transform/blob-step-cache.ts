import { BlobNotFound, type BlobStore } from "#shared/ports/blob-store.ts";
import type { StepCache } from "./step-cache.ts";

/** Keeps steps among the artifacts, below `cache/`. Blobs are written once: the first to come to a result is right. */
export function createBlobStepCache(
  blobs: Pick<BlobStore, "get" | "put">,
  log: { warn(fields: Record<string, unknown>, message: string): void },
): StepCache {
  return {
    async get(key) {
      try {
        return await blobs.get(keyOfCachedStep(key));
      } catch (error) {
        if (!(error instanceof BlobNotFound)) log.warn({ err: error }, "a cached step cannot be read; it runs instead");
        return undefined;
      }
    },
    async put(key, bytes) {
      try {
        await blobs.put(keyOfCachedStep(key), bytes);
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
