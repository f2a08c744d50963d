/**
 * Keeps patches, logs and other artifacts by key.
 *
 * A key is a relative path of `/`-separated segments, each `[A-Za-z0-9._-]+` and neither `.` nor `..`; another key is
 * refused with {@link InvalidBlobKey} before anything is touched. No key is a folder of another one, as `a` is of `a/b`:
 * some stores cannot keep both.
 *
 * Every method may throw {@link BlobStoreUnavailable}; what was asked may then have happened or not, and can be asked
 * again.
 */
export interface BlobStore {
  /**
   * Written once: a second put of the same key keeps the first bytes and answers `{ stored: false }`. A put that was
   * cut off leaves no blob, and once it has resolved the blob outlasts a loss of power.
   */
  put(key: string, bytes: Uint8Array, options?: BlobDurability): Promise<{ readonly stored: boolean }>;

  /**
   * The same for bytes that arrive over time, of which only a few megabytes are held in memory at once. The body is read
   * to its end, and judged by the limits, even when the key is taken; the answer's size and checksum are the body's.
   *
   * A body that throws leaves no blob, and its error comes back as it is.
   *
   * @throws BlobTooLarge as soon as the body is known to be longer than `maxBytes`; the rest of it is not read.
   * @throws BlobMismatch when it has another length or checksum than the limits say. Both leave no blob.
   */
  putStream(key: string, body: AsyncIterable<Uint8Array>, limits: BlobLimits): Promise<PutStreamAnswer>;

  /** The bytes as they were put. @throws BlobNotFound when there is no such key. */
  get(key: string): Promise<Uint8Array>;

  /**
   * The bytes as they were put, in pieces, for one reader. Nothing is held open before the body is read or after the
   * reader leaves it; a blob that was removed before then throws BlobNotFound from the body.
   * @throws BlobNotFound when there is no such key.
   */
  open(key: string): Promise<{ readonly sizeBytes: number; readonly body: AsyncIterable<Uint8Array> }>;

  /**
   * A URL by which anybody can download the blob for so long, without this process; nothing where the store has none.
   * Whether the blob is there is not looked at: the URL of one that is not answers 404.
   */
  link(key: string, download: BlobDownload): Promise<string | undefined>;

  /** The keys that begin with `prefix` (which ends in `/`), in byte order. */
  list(prefix: string): Promise<readonly string[]>;

  /**
   * The blobs whose keys come after `after`, or the first ones, in byte order of their keys: at most `limit`, and fewer
   * only when there are no more.
   */
  scan(page: { readonly after?: string | undefined; readonly limit: number }): Promise<readonly StoredBlob[]>;

  /** Removes a blob; removing one that is not there is a success. */
  remove(key: string): Promise<void>;

  /** Resolves when the store can be read and written. @throws BlobStoreUnavailable saying what is wrong. */
  check(): Promise<void>;
}

export interface BlobDurability {
  /**
   * False for what only saves time, and is found damaged by whoever reads it: a store may save itself the wait for the disk,
   * and a loss of power may take the blob or leave other bytes in its place. True when it is left out.
   */
  readonly durable?: boolean | undefined;
}

/** What a body must be for its blob to be kept. */
export interface BlobLimits extends BlobDurability {
  readonly maxBytes: number;
  /** Its exact length, when that is known before. */
  readonly sizeBytes?: number | undefined;
  /** Its SHA-256 in lower-case hex, when that is known before. */
  readonly sha256?: string | undefined;
}

export interface PutStreamAnswer {
  readonly stored: boolean;
  readonly sizeBytes: number;
  /** In lower-case hex. */
  readonly sha256: string;
}

export interface BlobDownload {
  /** How long the link works: at most 7 days. */
  readonly forMs: number;
  /** What the browser saves it as. */
  readonly fileName: string;
  readonly contentType: string;
}

export interface StoredBlob {
  readonly key: string;
  readonly sizeBytes: number;
  /** When it was put, by the store's clock. */
  readonly storedAt: Date;
}

export class BlobNotFound extends Error {
  override readonly name = "BlobNotFound";
  readonly key: string;
  constructor(key: string, options?: ErrorOptions) {
    super(`There is no blob ${JSON.stringify(key)}; it may have expired.`, options);
    this.key = key;
  }
}

export class BlobTooLarge extends Error {
  override readonly name = "BlobTooLarge";
  readonly key: string;
  readonly maxBytes: number;
  constructor(key: string, maxBytes: number) {
    super(`The blob ${JSON.stringify(key)} may have at most ${maxBytes} bytes; its body has more.`);
    this.key = key;
    this.maxBytes = maxBytes;
  }
}

/** The body is not the one that was announced. */
export class BlobMismatch extends Error {
  override readonly name = "BlobMismatch";
  readonly key: string;
  constructor(key: string, what: "bytes" | "SHA-256", expected: number | string, found: number | string) {
    super(`The body of the blob ${JSON.stringify(key)} was to have the ${what} ${expected}, and has ${found}.`);
    this.key = key;
  }
}

export class InvalidBlobKey extends Error {
  override readonly name = "InvalidBlobKey";
  constructor(key: string) {
    super(`${JSON.stringify(key)} is not a blob key: expected segments of letters, digits, ".", "_" and "-".`);
  }
}

export class BlobStoreUnavailable extends Error {
  override readonly name = "BlobStoreUnavailable";
}
