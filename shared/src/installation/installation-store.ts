import type { Installation } from "#shared/ports/code-host.ts";

/** Where the App is installed, as we last heard. */
export interface InstallationStore {
  save(installation: Installation, at: Date): Promise<void>;
  /** Forgetting one that is not there is a success. */
  remove(id: number): Promise<void>;
  list(): Promise<readonly Installation[]>;
}
