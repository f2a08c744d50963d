import type { Stores } from "#shared/adapters/postgres/stores.ts";
import type { Capabilities, CapabilityName } from "./capabilities.ts";
import type { SettingName, Settings } from "./config.ts";
import type { Foundation } from "./foundation.ts";
import { gitHubSettings } from "./github-settings.ts";
import { blobSettings, openBlobs } from "./open-blobs.ts";
import { pacingSettings } from "./pacing-settings.ts";
import { isOnKubernetes, sandboxSettings } from "./sandbox-settings.ts";
import { sandboxLimits, sandboxLimitSettings } from "./sandbox-limits.ts";

/** What is made when a function needs it. */
export type Lazy = Exclude<CapabilityName, keyof Stores | "clock" | "log">;

type Environment = Foundation["environment"];

interface Provider<Value> {
  /** A function where it depends on a setting which others are needed. */
  readonly settings: readonly SettingName[] | ((environment: Environment) => readonly SettingName[]);
  /** Opened before, in this order, and handed over. */
  readonly after?: readonly Lazy[] | ((environment: Environment) => readonly Lazy[]);
  readonly open: (
    context: Foundation & { readonly settings: Settings; readonly opened: Partial<Capabilities> },
  ) => Promise<{ readonly value: Value; readonly check?: () => Promise<void>; readonly close?: () => Promise<void> }>;
}

/**
 * A token may have to be asked of GitHub, which is tried a few times. A mutation asks for its token, and for another when
 * that one is refused, while it holds its campaign's gate, which Postgres takes away after 60 s.
 */
const tokenTimeoutMs = 15_000;

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
      const [{ createGitHubCodeHost }, ways, { gitOnThisMachine }, { gitsWayOut }] = await Promise.all([
        import("#shared/adapters/github/code-host.ts"),
        import("./open-github.ts"),
        import("#shared/adapters/process/git-tools.ts"),
        import("./gits-way-out.ts"),
      ]);
      const way = ways.wayToRepositories(context.settings);
      const git = gitOnThisMachine({ way, environment: (directory) => gitsWayOut(context.settings, directory) });
      const tokens = opening(context.opened, "hostTokens");
      const value = createGitHubCodeHost({ ...ways.wayToGitHub(context), tokens, git });
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
    settings: blobSettings,
    open: openBlobs,
  },
  scanner: {
    settings: ["OCTOBATCH_SCAN_COMMAND", "OCTOBATCH_CLAMD"],
    async open({ settings, environment }) {
      const { openScanner } = await import("./open-scanner.ts");
      return openScanner(settings, environment);
    },
  },
  sourceRelay: {
    after: ["hostTokens"],
    settings: gitHubSettings,
    async open(context) {
      const [{ createGitHubSourceRelay }, { wayToRepositories }] = await Promise.all([
        import("#shared/adapters/github/source-relay.ts"),
        import("./open-github.ts"),
      ]);
      const { settings, clock, opened } = context;
      const value = createGitHubSourceRelay({
        tokens: opening(opened, "hostTokens"),
        apiUrl: settings.OCTOBATCH_GITHUB_API_URL,
        clock,
        way: wayToRepositories(settings),
      });
      return { value, check: () => value.check() };
    },
  },
  jobTokenKeys: {
    settings: ["OCTOBATCH_JOB_TOKEN_KEY"],
    open: async ({ settings }) => ({ value: settings.OCTOBATCH_JOB_TOKEN_KEY }),
  },
  sandbox: {
    settings: sandboxSettings,
    // Jobs fetch by way of the artifacts service.
    after: (environment) => (isOnKubernetes(environment) ? ["blobs"] : ["codeHost", "blobs"]),
    async open(context) {
      if (isOnKubernetes(context.environment)) {
        const { openKubernetesSandbox } = await import("./open-kubernetes-sandbox.ts");
        return openKubernetesSandbox(context);
      }
      const { openProcessSandbox } = await import("./open-process-sandbox.ts");
      return openProcessSandbox(context);
    },
  },
  sandboxLimits: {
    settings: sandboxLimitSettings,
    open: async ({ settings }) => ({ value: sandboxLimits(settings) }),
  },
  artifactDays: {
    settings: ["OCTOBATCH_ARTIFACT_DAYS"],
    open: async ({ settings }) => ({ value: settings.OCTOBATCH_ARTIFACT_DAYS }),
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

/** The settings that opening this takes, in this environment. */
export function settingsOfProvider(name: Lazy, environment: Environment): readonly SettingName[] {
  const { settings } = providers[name];
  return typeof settings === "function" ? settings(environment) : settings;
}

/** What has to be opened before this, in this environment. */
export function opensAfter(name: Lazy, environment: Environment): readonly Lazy[] {
  const { after = [] } = providers[name];
  return typeof after === "function" ? after(environment) : after;
}

/** A capability that was opened before, since `after` names it. */
function opening<Name extends Lazy>(opened: Partial<Capabilities>, name: Name): Capabilities[Name] {
  const value = opened[name];
  if (value === undefined) throw new TypeError(`${name} is opened before what is made of it`);
  return value;
}
