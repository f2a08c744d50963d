import type { Installation } from "#shared/ports/code-host.ts";

/** Where the App is installed, as we last heard. Saving or removing twice changes nothing more. */
export interface InstallationStore {
  /**
   * Keeps what was heard at that time, in the place of an earlier installation on the same account.
   *
   * @param unlessHeardSince Leaves alone what was heard after this, of the installation or of its account: for what was
   * read from a list, which may be older than the webhook that spoke last.
   * @returns Whether it was written.
   */
  save(installation: Installation, at: Date, unlessHeardSince?: Date): Promise<boolean>;

  /**
   * Removes an installation; that it is gone is remembered for `unlessHeardSince`, which is as in `save`.
   * @returns Whether there was one to remove.
   */
  remove(id: number, at: Date, unlessHeardSince?: Date): Promise<boolean>;

  list(): Promise<readonly Installation[]>;
}
