import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BlobNotFound, InvalidBlobKey, type BlobStore, type StoredBlob } from "../ports/blob-store.ts";
import { aDownload, blobStreamContract, pieces } from "./blob-stream.contract.ts";

/** An empty store of one test. */
export interface OpenBlobStore {
  readonly store: BlobStore;
  close(): Promise<void>;
}

const hostileKeys = [
  "",
  ".",
  "..",
  "/",
  "/etc/passwd",
  "a/",
  "a//b",
  "a/./b",
  "a/../b",
  "../outside",
  "a/..",
  "a\\..\\b",
  "a b",
  "a\u0000b",
  "a\nb",
  "ä",
  "%2e%2e/a",
  "=a",
  "a".repeat(201),
  Array.from({ length: 600 }, () => "a").join("/"),
];

/** What every {@link BlobStore} promises. `open` answers a new, empty one. */
export function blobStoreContract(name: string, open: () => Promise<OpenBlobStore>): void {
  describe(name, () => {
    let opened: OpenBlobStore;
    let store: BlobStore;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.close());

    test("gives back the bytes as they were put", async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      expect(await store.put("campaign/1/repo/patch.diff", bytes)).toEqual({ stored: true });
      expect(await store.get("campaign/1/repo/patch.diff")).toEqual(bytes);
      expect(await store.put("campaign/1/repo/empty", new Uint8Array())).toEqual({ stored: true });
      expect(await store.get("campaign/1/repo/empty")).toEqual(new Uint8Array());
    });

    test("keeps the first bytes of a key", async () => {
      await store.put("a/b", text("first"));
      expect(await store.put("a/b", text("second"))).toEqual({ stored: false });
      expect(await store.get("a/b")).toEqual(text("first"));
    });

    test("keeps what need not outlast a loss of power like anything else", async () => {
      expect(await store.put("cache/a", text("first"), { durable: false })).toEqual({ stored: true });
      expect(await store.put("cache/a", text("second"))).toEqual({ stored: false });
      expect(await store.get("cache/a")).toEqual(text("first"));
      const limits = { maxBytes: 9, durable: false };
      expect(await store.putStream("cache/b", pieces("streamed"), limits)).toMatchObject({ stored: true });
      expect(await store.get("cache/b")).toEqual(text("streamed"));
    });

    test("lets exactly one of many puts at once win, whole", async () => {
      const candidates = Array.from({ length: 20 }, (_, index) => new Uint8Array(100_000).fill(index));
      const answers = await Promise.all(candidates.map((bytes) => store.put("a/contended", bytes)));
      const winner = answers.findIndex(({ stored }) => stored);
      expect(answers.filter(({ stored }) => stored)).toHaveLength(1);
      expect(await store.get("a/contended")).toEqual(candidates[winner]);
    });

    test("shows a big blob whole or not at all", async () => {
      const bytes = new Uint8Array(50 * 1024 * 1024).fill(7);
      bytes[bytes.length - 1] = 8;
      const writing = store.put("big/blob", bytes);
      const seen: string[] = [];
      while (!(await isSettled(writing))) seen.push(await lookAt(store, "big/blob"));
      await writing;
      expect(seen.filter((look) => look !== "absent" && look !== `${bytes.length} bytes to 8`)).toEqual([]);
      expect(Buffer.compare(await store.get("big/blob"), bytes)).toBe(0);
    });

    test("does not share its bytes with its callers", async () => {
      const given = text("first");
      await store.put("a/b", given);
      given.fill(0);
      (await store.get("a/b")).fill(0);
      expect(await store.get("a/b")).toEqual(text("first"));
    });

    test("says which blob it does not have", async () => {
      await store.put("a/b", text("here"));
      for (const key of ["a", "a/b/c", "a/c", "elsewhere/b"]) {
        await expect(store.get(key)).rejects.toThrow(new BlobNotFound(key));
      }
    });

    test("lists the keys below a prefix in byte order", async () => {
      const keys = ["p/a/1", "p/a-1", "p/B", "p/aa", "p/b/2", "p/a.1", "p/Z/9", "p/_"];
      await Promise.all([...keys, "pa/1", "q/1", "o"].map((key) => store.put(key, text(key))));
      expect(await store.list("p/")).toEqual(["p/B", "p/Z/9", "p/_", "p/a-1", "p/a.1", "p/a/1", "p/aa", "p/b/2"]);
      expect(await store.list("p/a/")).toEqual(["p/a/1"]);
      expect(await store.list("nothing/here/")).toEqual([]);
    });

    test("scans all blobs page by page, in byte order, with their sizes and ages", async () => {
      const keys = ["Z", "a-1", "a.1", "a/1", "a/b/2", "aa", "b", "c/1/2", "c/1/3"];
      await Promise.all(keys.map((key) => store.put(key, text(key))));
      const seen: StoredBlob[] = [];
      for (;;) {
        const page = await store.scan({ after: seen.at(-1)?.key, limit: 2 });
        seen.push(...page);
        if (page.length < 2) break;
      }
      expect(seen.map(({ key }) => key)).toEqual(keys);
      expect(seen.map(({ sizeBytes }) => sizeBytes)).toEqual(keys.map(({ length }) => length));
      expect(await store.scan({ after: "a/5", limit: 1000 })).toEqual(seen.slice(4));
      expect(await store.scan({ after: "a/b", limit: 2 })).toEqual(seen.slice(4, 6));
      const age = Date.now() - (seen[0]?.storedAt.getTime() ?? 0);
      expect(Math.abs(age)).toBeLessThan(10 * 60_000); // a clock of another machine differs, not by much
    });

    test("removes a blob, and one that is not there", async () => {
      await store.put("a/b", text("gone soon"));
      await store.put("a/c", text("stays"));
      await store.remove("a/b");
      await store.remove("a/b");
      await store.remove("never/was");
      await expect(store.get("a/b")).rejects.toThrow(BlobNotFound);
      expect(await store.list("a/")).toEqual(["a/c"]);
      expect(await store.put("a/b", text("again"))).toEqual({ stored: true });
    });

    test("puts and removes neighbours at once", async () => {
      const keys = Array.from({ length: 30 }, (_, index) => `deep/${index % 3}/${index}`);
      await Promise.all(
        keys.map(async (key) => {
          for (let round = 0; round < 5; round += 1) {
            expect(await store.put(key, text(key))).toEqual({ stored: true });
            await store.remove(key);
          }
        }),
      );
      expect(await store.list("deep/")).toEqual([]);
    });

    test.each(hostileKeys)("refuses the key %j everywhere", async (key) => {
      await expect(store.put(key, text("x"))).rejects.toThrow(InvalidBlobKey);
      await expect(store.get(key)).rejects.toThrow(InvalidBlobKey);
      await expect(store.remove(key)).rejects.toThrow(InvalidBlobKey);
      await expect(store.list(`${key}/`)).rejects.toThrow(InvalidBlobKey);
      await expect(store.putStream(key, pieces("x"), { maxBytes: 9 })).rejects.toThrow(InvalidBlobKey);
      await expect(store.open(key)).rejects.toThrow(InvalidBlobKey);
      await expect(store.link(key, aDownload)).rejects.toThrow(InvalidBlobKey);
      await expect(store.scan({ after: key, limit: 1 })).rejects.toThrow(InvalidBlobKey);
    });

    test("refuses a prefix that does not end in a slash", async () => {
      await expect(store.list("a")).rejects.toThrow(InvalidBlobKey);
      await expect(store.list("")).rejects.toThrow(InvalidBlobKey);
    });

    test("answers a check, which leaves nothing", async () => {
      await expect(store.check()).resolves.toBeUndefined();
      expect(await store.scan({ limit: 10 })).toEqual([]);
    });

    blobStreamContract(() => store);
  });
}

async function lookAt(store: BlobStore, key: string): Promise<string> {
  try {
    const bytes = await store.get(key);
    return `${bytes.length} bytes to ${bytes.at(-1)}`;
  } catch (error) {
    return error instanceof BlobNotFound ? "absent" : String(error);
  }
}

/** Asks after other work had its turn, so that a loop around it starves nobody. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const later = new Promise<false>((resolve) => setImmediate(resolve, false));
  return Promise.race([promise.then(() => true), later]);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
