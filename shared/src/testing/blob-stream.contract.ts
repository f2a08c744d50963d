import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { BlobMismatch, BlobNotFound, BlobTooLarge, type BlobStore } from "../ports/blob-store.ts";

const megabyte = 1024 * 1024;

export const aDownload = { forMs: 60_000, fileName: "patch.diff", contentType: "text/plain" } as const;

/** What every {@link BlobStore} promises of bytes that come and go in pieces; part of `blobStoreContract`. */
export function blobStreamContract(opened: () => BlobStore): void {
  describe("in pieces", () => {
    test("gives back the bytes as they came, with their size and checksum", async () => {
      const store = opened();
      const sha256 = sha256Of("one, two, three");
      const answer = await store.putStream("a/b", pieces("one, ", "", "two, ", "three"), { maxBytes: 15 });
      expect(answer).toEqual({ stored: true, sizeBytes: 15, sha256 });
      expect(Buffer.from(await store.get("a/b")).toString()).toBe("one, two, three");
      const exact = { maxBytes: 100, sizeBytes: 15, sha256 };
      expect(await store.putStream("a/c", pieces("one, two, ", "three"), exact)).toEqual(answer);
      expect(await read(store, "a/c")).toEqual({ sizeBytes: 15, text: "one, two, three" });
    });

    test("keeps a body of nothing", async () => {
      const store = opened();
      const limits = { maxBytes: 0, sizeBytes: 0, sha256: sha256Of("") };
      expect(await store.putStream("a/empty", pieces(), limits)).toMatchObject({ stored: true, sizeBytes: 0 });
      expect(await read(store, "a/empty")).toEqual({ sizeBytes: 0, text: "" });
    });

    test("keeps the first bytes of a key, and still says what the body was", async () => {
      const store = opened();
      await store.put("a/b", Buffer.from("first"));
      const second = { stored: false, sizeBytes: 6, sha256: sha256Of("second") };
      expect(await store.putStream("a/b", pieces("sec", "ond"), { maxBytes: 6 })).toEqual(second);
      await expect(store.putStream("a/b", pieces("sec", "ond"), { maxBytes: 5 })).rejects.toThrow(BlobTooLarge);
      expect(await read(store, "a/b")).toEqual({ sizeBytes: 5, text: "first" });
    });

    test("lets exactly one of many bodies at once win, whole", async () => {
      const store = opened();
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          store.putStream("a/contended", pieces(`${index}`.repeat(50_000), "-", `${index}`), { maxBytes: megabyte }),
        ),
      );
      const winner = answers.findIndex(({ stored }) => stored);
      expect(answers.filter(({ stored }) => stored)).toHaveLength(1);
      expect((await read(store, "a/contended")).text.endsWith(`${winner}-${winner}`)).toBe(true);
    });

    test.each([
      ["longer than may be", { maxBytes: 5 }, BlobTooLarge],
      ["announced as longer than may be", { maxBytes: 5, sizeBytes: 6 }, BlobTooLarge],
      ["longer than announced", { maxBytes: 100, sizeBytes: 5 }, BlobMismatch],
      ["shorter than announced", { maxBytes: 100, sizeBytes: 7 }, BlobMismatch],
      ["of another checksum", { maxBytes: 100, sha256: sha256Of("foobaz") }, BlobMismatch],
    ] as const)("refuses a body that is %s, and keeps none of it", async (_, limits, refusal) => {
      const store = opened();
      await expect(store.putStream("a/b", pieces("foo", "bar"), limits)).rejects.toThrow(refusal);
      await expect(store.get("a/b")).rejects.toThrow(BlobNotFound);
      await expect(store.open("a/b")).rejects.toThrow(BlobNotFound);
      expect(await store.scan({ limit: 10 })).toEqual([]);
      expect(await store.put("a/b", Buffer.from("right"))).toEqual({ stored: true });
    });

    test("refuses a big body at its very end, and keeps none of it", async () => {
      const store = opened();
      const body = counted(20);
      const limits = { maxBytes: 100 * megabyte, sizeBytes: 20 * megabyte, sha256: sha256Of("something else") };
      await expect(store.putStream("a/b", body.pieces(), limits)).rejects.toThrow(BlobMismatch);
      expect(body.given).toBe(20);
      expect(await store.scan({ limit: 10 })).toEqual([]);
    });

    test("stops reading a body that is too long", async () => {
      const store = opened();
      const body = counted(1000);
      await expect(store.putStream("a/b", body.pieces(), { maxBytes: 3 * megabyte })).rejects.toThrow(BlobTooLarge);
      expect(body).toMatchObject({ given: 4, left: true });
    });

    test.each([1, 12])("throws what the body throws after %i MB, and keeps none of it", async (megabytes) => {
      const store = opened();
      async function* breaks(): AsyncGenerator<Uint8Array> {
        yield* counted(megabytes).pieces();
        throw new TypeError("the uploader went away");
      }
      const broken = store.putStream("a/b", breaks(), { maxBytes: 100 * megabyte });
      await expect(broken).rejects.toThrow(new TypeError("the uploader went away"));
      expect(await store.scan({ limit: 10 })).toEqual([]);
    });

    test("gives the pieces of a big blob in order, and nothing is lost", async () => {
      const store = opened();
      const { sha256 } = await store.putStream("a/big", counted(21).pieces(), { maxBytes: 21 * megabyte });
      const { sizeBytes, body } = await store.open("a/big");
      expect(sizeBytes).toBe(21 * megabyte);
      const hash = createHash("sha256");
      for await (const piece of body) hash.update(piece);
      expect(hash.digest("hex")).toBe(sha256);
    });

    test("can be left by its reader, or not be read at all", async () => {
      const store = opened();
      await store.putStream("a/big", counted(12).pieces(), { maxBytes: 12 * megabyte });
      for (let round = 0; round < 60; round += 1) {
        const { body } = await store.open("a/big");
        if (round % 2 === 0) continue;
        for await (const piece of body) {
          expect(piece[0]).toBe(0);
          break;
        }
      }
      expect(await store.get("a/big")).toHaveLength(12 * megabyte);
    });

    test("says of a body whose blob was removed that it is gone", async () => {
      const store = opened();
      await store.put("a/b", Buffer.from("here"));
      const { body } = await store.open("a/b");
      await store.remove("a/b");
      await expect(Array.fromAsync(body)).rejects.toThrow(BlobNotFound);
    });
  });
}

/** A body of these texts. */
export async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

/** A body of so many megabytes, each filled with its number, in one buffer that is used again; and how much was taken of it. */
function counted(megabytes: number) {
  const counts = { given: 0, left: false };
  async function* give(): AsyncGenerator<Uint8Array> {
    const buffer = new Uint8Array(megabyte);
    try {
      for (let index = 0; index < megabytes; index += 1) {
        counts.given += 1;
        yield buffer.fill(index);
      }
    } finally {
      counts.left = true;
    }
  }
  return Object.assign(counts, { pieces: give });
}

async function read(store: BlobStore, key: string): Promise<{ sizeBytes: number; text: string }> {
  const { sizeBytes, body } = await store.open(key);
  return { sizeBytes, text: Buffer.concat(await Array.fromAsync(body)).toString() };
}

function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
