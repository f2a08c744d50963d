import { createHash, type Hash } from "node:crypto";
import type { LogPosition } from "./log-position.ts";

type Told = NonNullable<LogPosition["log"]>;

/** How much of a step's log was told, and what it was. */
export class ToldLog {
  #offset: number;
  #digest: string;
  /** Absent until the bytes before a position that came from elsewhere have been read again. */
  #hash: Hash | undefined;

  /** @param position Where to go on; unless it is given, nothing was told yet. */
  constructor(position?: Told) {
    this.#offset = position?.offset ?? 0;
    this.#hash = this.#offset === 0 ? createHash("sha256") : undefined;
    this.#digest = position?.digest ?? digestOf(createHash("sha256"));
  }

  /** In bytes. */
  get offset(): number {
    return this.#offset;
  }

  get position(): Told {
    return { offset: this.#offset, digest: this.#hash === undefined ? this.#digest : digestOf(this.#hash) };
  }

  /** Whether it can go on without seeing the beginning again. */
  get isKnown(): boolean {
    return this.#hash !== undefined;
  }

  /** Notes that these bytes were told, those that follow. */
  tell(bytes: Uint8Array): void {
    this.#hash?.update(bytes);
    this.#offset += bytes.length;
  }

  /**
   * Reads a log from its beginning on, and yields what was not told yet.
   *
   * @throws AnotherLog when what was told is not how it begins; nothing was yielded then.
   */
  async *restOf(log: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const beginning = createHash("sha256");
    const { digest, offset } = this.position;
    let seen = 0;
    const meet = (): void => {
      if (digestOf(beginning) !== digest) throw new AnotherLog();
      this.#hash ??= beginning;
    };
    if (offset === 0) meet();
    for await (const bytes of log) {
      const known = bytes.subarray(0, offset - seen);
      beginning.update(known);
      seen += known.length;
      if (known.length > 0 && seen === offset) meet();
      if (known.length < bytes.length) yield bytes.subarray(known.length);
    }
    if (seen < offset) throw new AnotherLog();
  }
}

/** What was told of a step is of another go at it. */
export class AnotherLog extends Error {
  override readonly name = "AnotherLog";
}

/** Eight bytes are plenty to tell two goes at a step apart. */
function digestOf(hash: Hash): string {
  return hash.copy().digest("hex").slice(0, 16);
}
