import type { Granted } from "#shared/runtime/capabilities.ts";

export const apiNeeds = [
  "campaigns",
  "runs",
  "executions",
  "changedFiles",
  "liveLogs",
  "changesets",
  "tasks",
  "audit",
  "overview",
  "blobs",
  "codeHost",
  "apiTokens",
  "clock",
  "log",
] as const;

export type ApiCapabilities = Granted<(typeof apiNeeds)[number]>;

/** What a request carries once it was authenticated. */
export interface ApiEnv {
  readonly Variables: {
    /** Whose token it came with: the name in the audit log. */
    readonly actor: string;
  };
}
