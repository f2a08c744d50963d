import type { Stores } from "#shared/adapters/postgres/stores.ts";
import type { Capabilities, CapabilityName } from "./capabilities.ts";
import type { SettingName, Settings } from "./config.ts";
import type { Foundation } from "./foundation.ts";
import { gitHubSettings } from "./github-settings.ts";
import { pacingSettings } from "./pacing-settings.ts";

/** What is made when a function needs it. */
export type Lazy = Exclude<CapabilityName, keyof Stores | "clock" | "log">;

interface Provider<Value> {
  readonly settings: readonly SettingName[];
  /** Opened before, in this order, and handed over. */
  readonly after?: readonly Lazy[];
  readonly open: (
    context: Foundation & { readonly settings: Settings; readonly opened: Partial<Capabilities> },
  ) => Promise<{ readonly value: Value; readonly check?: () => Promise<void>; readonly close?: () => Promise<void> }>;
}

/**
 * A token may have to be asked of GitHub, which is tried a few times. A mutation asks for its token, and for another when
 * that one is refused, while it holds its campaign's gate, which Postgres takes away after 60 s.
 */
const tokenTimeoutMs = 15_000;

const megabyte = 1024 * 1024;

/** How each capability is made. Adapters are imported when they are needed: a cold start pays for what it uses. */
export const providers: { readonly [Name in Lazy]: Provider<Capabilities[Name]> } = {
  overview: {
    settings: [],
    async open({ database }) {
      const { createCampaignOverview } = await import("#shared/adapters/postgres/campaign-overview.ts");
      return { value: createCampaignOverview(database.knex) };
    },
  },
  gate: {
    settings: [],
    async open({ database }) {
      const { createMutationGate } = await import("#shared/adapters/postgres/campaign-store.ts");
      return { value: createMutationGate(database.knex) };
    },
  },
  pacing: {
    settings: pacingSettings,
    async open(context) {
      const { openPacing } = await import("./open-pacing.ts");
      return openPacing(context);
    },
  },
  tokenCallers: {
    settings: ["OCTOBATCH_TOKENS_CALLERS"],
    open: async ({ settings }) => ({ value: settings.OCTOBATCH_TOKENS_CALLERS }),
  },
  tokenIssuer: {
    after: ["pacing"],
    settings: [...gitHubSettings, "OCTOBATCH_GITHUB_APP_ID", "OCTOBATCH_GITHUB_PRIVATE_KEY", "OCTOBATCH_TOKENS_KEY"],
    async open(context) {
      const { openTokenIssuer } = await import("./open-token-issuer.ts");
      return openTokenIssuer(context);
    },
  },
  hostTokens: {
    settings: ["OCTOBATCH_TOKENS_URL", "OCTOBATCH_TOKENS_CREDENTIAL"],
    async open({ settings, clock }) {
      const { createHttpHostTokens } = await import("#shared/adapters/http/http-host-tokens.ts");
      const value = createHttpHostTokens({
        url: settings.OCTOBATCH_TOKENS_URL,
        credential: settings.OCTOBATCH_TOKENS_CREDENTIAL,
        clock,
        timeoutMs: tokenTimeoutMs,
      });
      return { value };
    },
  },
  codeHost: {
    after: ["pacing", "hostTokens"],
    settings: gitHubSettings,
    async open(context) {
      const [{ createGitHubCodeHost }, { wayToGitHub }] = await Promise.all([
        import("#shared/adapters/github/code-host.ts"),
        import("./open-github.ts"),
      ]);
      const value = createGitHubCodeHost({ ...wayToGitHub(context), tokens: opening(context.opened, "hostTokens") });
      return { value, check: () => value.check() };
    },
  },
  hostApp: {
    after: ["pacing", "hostTokens"],
    settings: gitHubSettings,
    async open(context) {
      const [{ createAppClient, passesOf }, { connectToGitHub }, { createGitHubHostApp }, { wayToGitHub }] =
        await Promise.all([
          import("#shared/adapters/github/app.ts"),
          import("#shared/adapters/github/connection.ts"),
          import("#shared/adapters/github/host-app.ts"),
          import("./open-github.ts"),
        ]);
      const passes = passesOf(opening(context.opened, "hostTokens"));
      const value = createGitHubHostApp({ app: createAppClient(connectToGitHub(wayToGitHub(context)), passes) });
      return { value, check: () => value.check() };
    },
  },
  blobs: {
    settings: ["OCTOBATCH_BLOB_DIRECTORY"],
    async open({ settings }) {
      const { createFilesystemBlobStore } = await import("#shared/adapters/filesystem/filesystem-blob-store.ts");
      const value = createFilesystemBlobStore({ directory: settings.OCTOBATCH_BLOB_DIRECTORY });
      return { value, check: () => value.check() };
    },
  },
  sandbox: {
    settings: [
      "OCTOBATCH_WORK_DIRECTORY",
      "OCTOBATCH_TOOL_DIRECTORIES",
      "OCTOBATCH_READ_ONLY_DIRECTORIES",
      "OCTOBATCH_ISOLATION",
      "OCTOBATCH_SECRETS",
      "OCTOBATCH_EXECUTIONS_AT_ONCE",
    ],
    after: ["codeHost", "blobs"],
    async open(context) {
      const { openProcessSandbox } = await import("./open-process-sandbox.ts");
      return openProcessSandbox(context);
    },
  },
  sandboxLimits: {
    settings: [
      "OCTOBATCH_STEP_MEMORY_MB",
      "OCTOBATCH_STEP_DISK_MB",
      "OCTOBATCH_STEP_PROCESSES",
      "OCTOBATCH_LOG_LIMIT_MB",
      "OCTOBATCH_PATCH_LIMIT_MB",
    ],
    open: async ({ settings }) => ({
      value: {
        memoryBytes: settings.OCTOBATCH_STEP_MEMORY_MB * megabyte,
        diskBytes: settings.OCTOBATCH_STEP_DISK_MB * megabyte,
        processes: settings.OCTOBATCH_STEP_PROCESSES,
        logBytes: settings.OCTOBATCH_LOG_LIMIT_MB * megabyte,
        patchBytes: settings.OCTOBATCH_PATCH_LIMIT_MB * megabyte,
      },
    }),
  },
  pullRequestsPerDay: {
    settings: ["OCTOBATCH_PULL_REQUESTS_PER_DAY"],
    open: async ({ settings }) => ({ value: settings.OCTOBATCH_PULL_REQUESTS_PER_DAY }),
  },
  publicUrl: {
    settings: ["OCTOBATCH_PUBLIC_URL"],
    open: async ({ settings }) => ({ value: settings.OCTOBATCH_PUBLIC_URL }),
  },
  webhookSecret: {
    settings: ["OCTOBATCH_GITHUB_WEBHOOK_SECRET"],
    open: async ({ settings }) => ({ value: settings.OCTOBATCH_GITHUB_WEBHOOK_SECRET }),
  },
  apiTokens: {
    settings: ["OCTOBATCH_API_TOKENS"],
    open: async ({ settings }) => ({ value: settings.OCTOBATCH_API_TOKENS }),
  },
};

/** A capability that was opened before, since `after` names it. */
function opening<Name extends Lazy>(opened: Partial<Capabilities>, name: Name): Capabilities[Name] {
  const value = opened[name];
  if (value === undefined) throw new TypeError(`${name} is opened before what is made of it`);
  return value;
}
