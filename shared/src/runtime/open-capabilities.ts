import { createStores } from "#shared/adapters/postgres/stores.ts";
import type { Capabilities, CapabilityName, Granted } from "./capabilities.ts";
import { storeNames } from "./capabilities.ts";
import type { Foundation } from "./foundation.ts";
import { outboundSettings } from "./outbound-settings.ts";
import { pacingSettings } from "./pacing-settings.ts";
import { readSettings, type SettingName, type Settings } from "./config.ts";
import { alwaysReleased } from "./task-release.ts";

/** Capabilities that have been opened, how to see whether they work, and how to let them go. */
export interface Opened {
  /** Hands a function what it needs, and nothing else. */
  readonly grant: (needs: readonly CapabilityName[]) => Granted<CapabilityName>;
  /** What each can say of itself; resolves when it works. */
  readonly checks: ReadonlyMap<string, () => Promise<void>>;
  close(): Promise<void>;
}

type Lazy = Exclude<CapabilityName, keyof ReturnType<typeof createStores> | "clock" | "log">;

interface Provider<Value> {
  readonly settings: readonly SettingName[];
  /** Opened before, in this order, and handed over. */
  readonly after?: readonly Lazy[];
  readonly open: (
    context: Foundation & { readonly settings: Settings; readonly opened: Partial<Capabilities> },
  ) => Promise<{ readonly value: Value; readonly check?: () => Promise<void>; readonly close?: () => Promise<void> }>;
}

const megabyte = 1024 * 1024;

/** How each capability is made. Adapters are imported when they are needed: a cold start pays for what it uses. */
const providers: { readonly [Name in Lazy]: Provider<Capabilities[Name]> } = {
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
      return await openPacing(context);
    },
  },
  codeHost: {
    after: ["pacing"],
    settings: [
      "OCTOBATCH_GITHUB_API_URL",
      "OCTOBATCH_GITHUB_APP_ID",
      "OCTOBATCH_GITHUB_PRIVATE_KEY",
      ...outboundSettings,
    ],
    async open({ settings, clock, log, opened }) {
      const [{ createGitHubCodeHost }, { openOutbound }] = await Promise.all([
        import("#shared/adapters/github/code-host.ts"),
        import("./open-outbound.ts"),
      ]);
      const value = createGitHubCodeHost({
        apiUrl: settings.OCTOBATCH_GITHUB_API_URL,
        appId: settings.OCTOBATCH_GITHUB_APP_ID,
        privateKey: settings.OCTOBATCH_GITHUB_PRIVATE_KEY,
        clock,
        timeoutMs: 12_000,
        ...(opened.pacing === undefined ? {} : { pacing: opened.pacing }),
        ...openOutbound(settings),
        logger: log,
      });
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

/**
 * Opens what the functions need, once for all of them, and nothing else; only that requires settings.
 *
 * @param overrides Capabilities to use instead of making them.
 * @throws InvalidConfiguration naming every setting that is missing or wrong.
 */
export async function openCapabilities(
  foundation: Foundation,
  needs: readonly CapabilityName[],
  overrides: Partial<Capabilities> = {},
): Promise<Opened> {
  const names = inOrder(needs).filter((name) => !(name in overrides));
  const settings = readSettings(foundation.environment, settingsOf(names));
  const { database, clock, log } = foundation;
  const stores = createStores(database.knex, alwaysReleased);
  const opened: Partial<Capabilities> = { ...stores, clock, log, ...overrides };
  const checks = new Map<string, () => Promise<void>>([["postgres", () => database.check()]]);
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    for (const name of names) {
      const made = await providers[name].open({ ...foundation, settings, opened });
      Object.assign(opened, { [name]: made.value });
      if (made.check) checks.set(name, made.check);
      if (made.close) closers.push(made.close);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    grant: (needs) => ({
      ...pick(opened, needs),
      transact: (work) =>
        database.knex.transaction((transaction) => work(pick(createStores(transaction, alwaysReleased), needs))),
    }),
    checks,
    close,
  };
}

/** The settings that opening these takes, those of what they are opened after included. */
export function settingsOf(needs: readonly CapabilityName[]): readonly SettingName[] {
  return inOrder(needs).flatMap((name) => providers[name].settings);
}

/** The lazy capabilities among these and those they are opened after, each once, in an order that can be opened. */
function inOrder(needs: readonly CapabilityName[]): readonly Lazy[] {
  const known = new Set<CapabilityName>([...storeNames, "clock", "log"]);
  const ordered = new Set<Lazy>();
  const visit = (name: Lazy): void => {
    for (const before of providers[name].after ?? []) visit(before);
    ordered.add(name);
  };
  // What is not a store, the clock or the log is lazy.
  for (const name of needs) if (!known.has(name)) visit(name as Lazy);
  return [...ordered];
}

/** Those of the values that are named: what a function does not name, it cannot reach. */
function pick(values: Partial<Capabilities>, names: readonly CapabilityName[]): Capabilities {
  const named = new Set<string>(names);
  // The function's own type, made from the same `needs`, says which of them are there.
  return Object.fromEntries(Object.entries(values).filter(([name]) => named.has(name))) as unknown as Capabilities;
}
