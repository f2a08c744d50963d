/**
 * Keeps patches, logs and other artifacts by key.
 *
 * A key is a relative path of `/`-separated segments, each `[A-Za-z0-9._-]+` and neither `.` nor `..`; another key is
 * refused with {@link InvalidBlobKey} before anything is touched.
 */
export interface BlobStore {
  /**
   * Written once: a second put of the same key keeps the first bytes and answers `{ stored: false }`. A put that was
   * cut off leaves no blob.
   */
  put(key: string, bytes: Uint8Array): Promise<{ readonly stored: boolean }>;

  /** The bytes as they were put. @throws BlobNotFound when there is no such key. */
  get(key: string): Promise<Uint8Array>;

  /** The keys that begin with `prefix` (which ends in `/`), in byte order. */
  list(prefix: string): Promise<readonly string[]>;

  /** Removes a blob; removing one that is not there is a success. */
  remove(key: string): Promise<void>;

  /** Resolves when the store can be read and written. @throws BlobStoreUnavailable saying what is wrong. */
  check(): Promise<void>;
}

export class BlobNotFound extends Error {
  override readonly name = "BlobNotFound";
  readonly key: string;
  constructor(key: string, options?: ErrorOptions) {
    super(`There is no blob ${JSON.stringify(key)}; it may have expired.`, options);
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
