import { createHash } from "node:crypto";
import { BlobMismatch, BlobTooLarge, type BlobLimits, type PutStreamAnswer } from "../ports/blob-store.ts";

/**
 * Hands a body to a store while it is counted, summed and held to its limits. It ends only when all of it was found right,
 * else it throws: a store shows nothing of a body before its end.
 *
 * @param keep Stores the body and answers true, or answers false when the key is taken; then what it left is read here.
 * @throws What the body or its limits threw, however `keep` wraps it; else what `keep` throws.
 */
export async function keepJudged(
  key: string,
  body: AsyncIterable<Uint8Array>,
  limits: BlobLimits,
  keep: (judged: AsyncIterable<Uint8Array>) => Promise<boolean>,
): Promise<PutStreamAnswer> {
  const judged = new JudgedBody(key, body, limits);
  try {
    const stored = await keep(judged);
    return { stored, ...(await judged.end()) };
  } catch (error) {
    throw judged.failure === undefined ? error : judged.failure.error;
  }
}

class JudgedBody implements AsyncIterable<Uint8Array> {
  failure: { readonly error: unknown } | undefined;

  readonly #key: string;
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #limits: BlobLimits;
  #found: Omit<PutStreamAnswer, "stored"> | undefined;

  constructor(key: string, body: AsyncIterable<Uint8Array>, limits: BlobLimits) {
    this.#key = key;
    this.#body = body;
    this.#limits = limits;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#judge();
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  /** What it was; a body that was not read to its end is read now. */
  async end(): Promise<Omit<PutStreamAnswer, "stored">> {
    while (this.#found === undefined) for await (const _ of this);
    return this.#found;
  }

  async *#judge(): AsyncGenerator<Uint8Array, void, undefined> {
    const key = this.#key;
    const limits = this.#limits;
    const mostBytes = Math.min(limits.maxBytes, limits.sizeBytes ?? limits.maxBytes);
    const hash = createHash("sha256");
    let sizeBytes = 0;
    if ((limits.sizeBytes ?? 0) > limits.maxBytes) throw new BlobTooLarge(key, limits.maxBytes);
    for await (const piece of this.#body) {
      if (piece.length === 0) continue;
      sizeBytes += piece.length;
      if (sizeBytes > mostBytes) break;
      hash.update(piece);
      yield Uint8Array.from(piece); // a copy: whoever sends the body may fill the same buffer again
    }
    if (sizeBytes > limits.maxBytes) throw new BlobTooLarge(key, limits.maxBytes);
    if (limits.sizeBytes !== undefined && sizeBytes !== limits.sizeBytes) {
      throw new BlobMismatch(key, "bytes", limits.sizeBytes, sizeBytes);
    }
    const sha256 = hash.digest("hex");
    if (limits.sha256 !== undefined && sha256 !== limits.sha256) {
      throw new BlobMismatch(key, "SHA-256", limits.sha256, sha256);
    }
    this.#found = { sizeBytes, sha256 };
  }
}
