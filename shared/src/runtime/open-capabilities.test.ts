import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { storeNames, type CapabilityName } from "./capabilities.ts";
import { InvalidConfiguration } from "./config.ts";
import { createLogger } from "./logger.ts";
import { openCapabilities } from "./open-capabilities.ts";

type Foundation = Parameters<typeof openCapabilities>[0];

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const foundation = (environment: Foundation["environment"] = {}): Foundation => ({
  environment,
  database: database.database,
  clock: createManualClock(new Date(0)),
  log: createLogger("silent"),
  dispatcher: { kick: () => {}, idle: async () => {} },
});

describe("opening", () => {
  test("needs no setting for what is in Postgres", async () => {
    const opened = await openCapabilities(foundation(), [...storeNames, "overview", "gate", "clock", "log"]);
    expect([...opened.checks.keys()]).toEqual(["postgres"]);
    await opened.checks.get("postgres")?.();
    await opened.close();
  });

  test("asks for the settings of what is needed and of what that needs, all at once, and for no others", async () => {
    const refused = await openCapabilities(foundation(), ["sandbox"]).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(InvalidConfiguration);
    const lines = String(refused).replace("InvalidConfiguration: ", "").split("\n");
    expect(lines.map((line) => line.split(":")[0])).toEqual([
      "OCTOBATCH_TOKENS_URL",
      "OCTOBATCH_TOKENS_CREDENTIAL",
      "OCTOBATCH_WORK_DIRECTORY",
    ]);
  });

  test("makes nothing, and asks for no setting, of what is given", async () => {
    const blobs = createMemoryBlobStore();
    const opened = await openCapabilities(foundation(), ["blobs"], { blobs });
    expect(opened.grant(["blobs"]).blobs).toBe(blobs);
    await opened.close();
  });

  test("reads every setting of a value into its capability", async () => {
    const environment = {
      OCTOBATCH_PUBLIC_URL: "https://octobatch.test/",
      OCTOBATCH_API_TOKENS: "ada:0123456789abcdef",
      OCTOBATCH_GITHUB_WEBHOOK_SECRET: "0123456789abcdef",
      OCTOBATCH_STEP_MEMORY_MB: "2",
    };
    const names = ["publicUrl", "apiTokens", "webhookSecret", "sandboxLimits", "pullRequestsPerDay"] as const;
    const opened = await openCapabilities(foundation(environment), names);
    const { publicUrl, apiTokens, webhookSecret, sandboxLimits, pullRequestsPerDay } = opened.grant(names);
    expect(publicUrl).toBe("https://octobatch.test");
    expect(apiTokens.get("0123456789abcdef")).toBe("ada");
    expect(webhookSecret).toBe("0123456789abcdef");
    expect(sandboxLimits.memoryBytes).toBe(2 * 1024 * 1024);
    expect(pullRequestsPerDay).toBe(150);
    await opened.close();
  });
});

test.each([[["tasks", "clock"]], [["audit"]], [["log"]]] satisfies [CapabilityName[]][])(
  "whoever needs %j is handed that, and can reach no other store in a transaction",
  async (needs) => {
    const opened = await openCapabilities(foundation(), storeNames);
    const granted = opened.grant(needs);
    expect(Object.keys(granted).sort()).toEqual([...needs, "transact"].sort());
    const stores: readonly string[] = storeNames;
    const reached = await granted.transact(async (inside) => Object.keys(inside));
    expect(reached).toEqual(needs.filter((name) => stores.includes(name)));
    await opened.close();
  },
);
