import { BlobNotFound, type BlobStore, type StoredBlob } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import { segmentsOfKey, segmentsOfPrefix } from "../blob-key.ts";
import { keepJudged } from "../judged-body.ts";
import { systemClock } from "../system/system-clock.ts";

/** Keeps blobs in this process, for tests: they are gone with it. */
export function createMemoryBlobStore({ clock = systemClock }: { readonly clock?: Clock } = {}): BlobStore {
  const blobs = new Map<string, { readonly bytes: Uint8Array; readonly storedAt: Date }>();
  function put(key: string, bytes: Uint8Array): { readonly stored: boolean } {
    if (blobs.has(key)) return { stored: false };
    blobs.set(key, { bytes: Uint8Array.from(bytes), storedAt: clock.now() }); // a copy: the caller may go on writing
    return { stored: true };
  }
  function get(key: string): Uint8Array {
    const blob = blobs.get(key);
    if (blob === undefined) throw new BlobNotFound(key);
    return Uint8Array.from(blob.bytes);
  }
  return {
    async put(key, bytes) {
      segmentsOfKey(key);
      return put(key, bytes);
    },
    async putStream(key, body, limits) {
      segmentsOfKey(key);
      return keepJudged(key, body, limits, async (judged) => {
        const bytes = Buffer.concat(await Array.fromAsync(judged));
        return put(key, bytes).stored;
      });
    },
    async get(key) {
      segmentsOfKey(key);
      return get(key);
    },
    async open(key) {
      segmentsOfKey(key);
      async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
        const bytes = get(key);
        if (bytes.length > 0) yield bytes;
      }
      return { sizeBytes: get(key).length, body: body() };
    },
    async link(key) {
      segmentsOfKey(key);
      return undefined;
    },
    async list(prefix) {
      segmentsOfPrefix(prefix);
      return [...blobs.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
    async scan({ after, limit }) {
      if (after !== undefined) segmentsOfKey(after);
      const keys = [...blobs.keys()].filter((key) => after === undefined || key > after).sort();
      return keys.slice(0, limit).map((key): StoredBlob => {
        const { bytes, storedAt } = blobs.get(key) ?? { bytes: new Uint8Array(), storedAt: clock.now() };
        return { key, sizeBytes: bytes.length, storedAt };
      });
    },
    async remove(key) {
      segmentsOfKey(key);
      blobs.delete(key);
    },
    async check() {},
  };
}
