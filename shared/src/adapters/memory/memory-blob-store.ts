import { BlobNotFound, type BlobStore } from "../../ports/blob-store.ts";
import { segmentsOfKey, segmentsOfPrefix } from "../blob-key.ts";

/** Keeps blobs in this process, for tests: they are gone with it. */
export function createMemoryBlobStore(): BlobStore {
  const blobs = new Map<string, Uint8Array>();
  return {
    async put(key, bytes) {
      segmentsOfKey(key);
      if (blobs.has(key)) return { stored: false };
      blobs.set(key, Uint8Array.from(bytes)); // a copy: the caller may go on writing into theirs
      return { stored: true };
    },
    async get(key) {
      segmentsOfKey(key);
      const bytes = blobs.get(key);
      if (bytes === undefined) throw new BlobNotFound(key);
      return Uint8Array.from(bytes);
    },
    async list(prefix) {
      segmentsOfPrefix(prefix);
      return [...blobs.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
    async remove(key) {
      segmentsOfKey(key);
      blobs.delete(key);
    },
    async check() {},
  };
}
