import type { RepositoryRef } from "./code-host.ts";

/**
 * Reads one repository by git's smart HTTP, protocol version 2 (https://git-scm.com/docs/protocol-v2), with a credential
 * that whoever asks never sees. It can read only, and it follows no redirect.
 *
 * Any method may throw CodeHostUnavailable (try again), CodeHostBusy (try again at a time) or CodeHostRefused (a person
 * has to act). No error carries the credential. When its signal is aborted it throws the signal's reason.
 */
export interface SourceRelay {
  /** What the repository's server can do, as it answers to `info/refs`: a few hundred bytes. */
  advertise(repository: RepositoryRef, signal: AbortSignal): Promise<Uint8Array>;

  /**
   * The answer to one request of `git-upload-pack`, a pack or a list of refs, in pieces. It is taken from the code host as
   * fast as it is read here, and given up when the signal is aborted or its reader leaves.
   */
  uploadPack(repository: RepositoryRef, request: UploadPackRequest): Promise<AsyncIterable<Uint8Array>>;

  /** Resolves when credentials can be had. @throws as the others. */
  check(): Promise<void>;
}

export interface UploadPackRequest {
  readonly body: Uint8Array;
  /** How the body is compressed, if it is. */
  readonly contentEncoding?: "gzip" | undefined;
  readonly signal: AbortSignal;
}
