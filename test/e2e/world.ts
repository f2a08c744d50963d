import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { allFunctions } from "#functions/all.ts";
import { createStores, type Stores } from "#shared/adapters/postgres/stores.ts";
import { systemClock } from "#shared/adapters/system/system-clock.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Capabilities } from "#shared/runtime/capabilities.ts";
import { startLocalPlatform, type LocalPlatform, type LocalPlatformOptions } from "#shared/runtime/local-platform.ts";
import { createLogger } from "#shared/runtime/logger.ts";
import { alwaysReleased } from "#shared/runtime/task-release.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import type { LimitsSetting } from "../github/limits/github-limits.ts";
import { startGitHub, type LocalGitHub } from "../github/local-github.ts";
import { openApiMissing } from "../github/validation/openapi-document.ts";
import { createApiClient, type ApiClient } from "./api-client.ts";

const manifestsDirectory = fileURLToPath(new URL("../../knative", import.meta.url));
const token = "a-token-for-tests-only";

export interface WorldOptions {
  readonly clock?: Clock;
  readonly pullRequestsPerDay?: number;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly disturb?: LocalPlatformOptions["disturb"];
  /** Of the local GitHub; off by default. */
  readonly limits?: LimitsSetting;
  /** Further settings. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Capabilities to use instead of those that the settings make. */
  readonly overrides?: (surroundings: Surroundings) => Partial<Capabilities>;
}

/** Everything on this machine, over a real Postgres, real git and the local GitHub, for one test. */
export interface World {
  readonly github: LocalGitHub;
  readonly api: ApiClient;
  readonly stores: Stores;
  readonly database: TestDatabase;
  /** The settings, for a process of one's own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly platform: LocalPlatform;
  /** Resolves when nothing moves any more: what is left waits for a later time. */
  settled(): Promise<void>;
  /** Ends everything, and fails the test when GitHub's own description refuses something that was asked or answered. */
  close(): Promise<void>;
}

/** The world without a platform: for tests that run it in processes of their own. */
export type Surroundings = Omit<World, "platform" | "api"> & { apiAt(url: string): ApiClient };

export async function startSurroundings(options: WorldOptions = {}): Promise<Surroundings> {
  const clock = options.clock ?? systemClock;
  const directory = await mkdtemp(join(tmpdir(), "octobatch-test-"));
  const database = await testDatabase();
  const validate = (await openApiMissing()) === undefined;
  const { limits = "off" } = options;
  const github = await startGitHub({ directory: join(directory, "github"), clock, validate, limits });
  const stores = createStores(database.database.knex, alwaysReleased);
  const environment = {
    DATABASE_URL: database.url,
    OCTOBATCH_GITHUB_API_URL: github.apiUrl,
    OCTOBATCH_GITHUB_APP_ID: String(github.app.id),
    OCTOBATCH_GITHUB_PRIVATE_KEY: github.app.privateKey,
    OCTOBATCH_GITHUB_WEBHOOK_SECRET: github.app.webhookSecret,
    OCTOBATCH_BLOB_DIRECTORY: join(directory, "blobs"),
    OCTOBATCH_WORK_DIRECTORY: join(directory, "work"),
    OCTOBATCH_EXECUTIONS_AT_ONCE: "2",
    OCTOBATCH_API_TOKENS: `tester:${token}`,
    OCTOBATCH_SECRETS: JSON.stringify(options.secrets ?? {}),
    ...(options.pullRequestsPerDay === undefined
      ? {}
      : { OCTOBATCH_PULL_REQUESTS_PER_DAY: String(options.pullRequestsPerDay) }),
    ...options.environment,
  };
  return {
    github,
    stores,
    database,
    environment,
    apiAt: (url) => createApiClient(url, token),
    settled: () => untilSettled(stores, clock),
    async close() {
      await github.close();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
      if (validate) expect(github.violations()).toEqual([]);
    },
  };
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const surroundings = await startSurroundings(options);
  const { github, environment } = surroundings;
  const clock = options.clock ?? systemClock;
  const platform = await startLocalPlatform({
    functions: allFunctions,
    environment,
    manifestsDirectory,
    port: 0,
    clock,
    log: createLogger(process.env["OCTOBATCH_TEST_LOG_LEVEL"] ?? "silent"),
    alone: true,
    ...(options.disturb === undefined ? {} : { disturb: options.disturb }),
    ...(options.overrides === undefined ? {} : { overrides: options.overrides(surroundings) }),
  });
  github.setWebhookUrl(platform.webhookUrl);
  return {
    ...surroundings,
    platform,
    api: surroundings.apiAt(platform.url),
    async settled() {
      await github.webhooksSettled();
      await platform.settled();
    },
    async close() {
      await platform.close();
      await surroundings.close();
    },
  };
}

/** For a platform in another process: asks the tasks table, which knows of everything that is to happen. */
async function untilSettled(stores: Stores, clock: Clock): Promise<void> {
  while (await stores.tasks.isMoving(clock.now())) await sleep(20);
}
