import type { Stores } from "#shared/adapters/postgres/stores.ts";
import type { CampaignOverview } from "#shared/campaign/campaign-overview.ts";
import type { MutationGate } from "#shared/campaign/campaign-store.ts";
import type { ArtifactScanner } from "#shared/ports/artifact-scanner.ts";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { CodeHost } from "#shared/ports/code-host.ts";
import type { HostApp } from "#shared/ports/host-app.ts";
import type { AppPasses, HostTokens, TokenIssuer } from "#shared/ports/host-tokens.ts";
import type { Pacing } from "#shared/ports/pacing.ts";
import type { Sandbox, SandboxLimits } from "#shared/ports/sandbox.ts";
import type { SourceRelay } from "#shared/ports/source-relay.ts";
import type { TokenCaller } from "#shared/tokens/token-callers.ts";
import type { Logger } from "./logger.ts";

/** Everything a function may need. It gets what it names in `needs`, and nothing else is opened. */
export interface Capabilities extends Stores {
  readonly overview: CampaignOverview;
  readonly gate: MutationGate;
  readonly codeHost: CodeHost;
  /** The App itself, as GitHub knows it. */
  readonly hostApp: HostApp;
  /** What the function's role may have of the tokens function. */
  readonly hostTokens: HostTokens & AppPasses;
  /** Any token there is, by the App's key: for the tokens function alone. */
  readonly tokenIssuer: TokenIssuer;
  /** Who may ask the tokens function. */
  readonly tokenCallers: readonly TokenCaller[];
  readonly pacing: Pacing;
  readonly blobs: BlobStore;
  /** Looks for malware in what transforms make, where the operator has set one up. */
  readonly scanner: ArtifactScanner | undefined;
  /** How Jobs read the repository of their execution. */
  readonly sourceRelay: SourceRelay;
  /** What the tokens of Jobs are signed with: the first mints, all are accepted. */
  readonly jobTokenKeys: readonly Uint8Array[];
  readonly sandbox: Sandbox;
  readonly sandboxLimits: SandboxLimits;
  /** For how many days artifacts are kept after they were last needed. */
  readonly artifactDays: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Pull requests that may be opened in an organization on a day. */
  readonly pullRequestsPerDay: number;
  /** Where people see Octobatch, without a trailing slash. */
  readonly publicUrl: string;
  readonly webhookSecret: string;
  /** Who a token of the API belongs to. */
  readonly apiTokens: ReadonlyMap<string, string>;
}

export type CapabilityName = keyof Capabilities;

export const storeNames = [
  "campaigns",
  "runs",
  "executions",
  "changedFiles",
  "liveLogs",
  "changesets",
  "slots",
  "tasks",
  "deadLetters",
  "audit",
  "installations",
  "deliveries",
  "rounds",
] as const satisfies readonly (keyof Stores)[];

export type StoreName = keyof Stores;

/**
 * What a function that needs `Names` gets: those capabilities and, over its stores, transactions. Everything written in
 * one is written together or not at all, the tasks that follow from it included.
 */
export type Granted<Names extends CapabilityName> = Pick<Capabilities, Names> & {
  readonly transact: <Result>(work: (stores: Pick<Stores, Names & StoreName>) => Promise<Result>) => Promise<Result>;
};
