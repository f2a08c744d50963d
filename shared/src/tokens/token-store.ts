/** Keeps tokens between processes, sealed: it cannot read them. */
export interface TokenStore {
  /** What is kept under a key and has not expired. */
  find(key: string, now: Date): Promise<string | undefined>;

  /** Keeps it until it expires, in the place of what was there, and forgets what has expired. */
  save(entry: { readonly key: string; readonly sealed: string; readonly expiresAt: Date }, now: Date): Promise<void>;
}
