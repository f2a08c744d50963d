import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { createMemoryCodeHost } from "#shared/adapters/memory/memory-code-host.ts";
import { SandboxUnavailable } from "#shared/ports/sandbox.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { freePort } from "#shared/testing/free-port.ts";
import { InvalidConfiguration } from "./config.ts";
import { createLogger } from "./logger.ts";
import { openCapabilities } from "./open-capabilities.ts";

let database: TestDatabase;
let directory: string;
beforeAll(async () => {
  database = await testDatabase();
  directory = await mkdtemp(join(tmpdir(), "octobatch-kubeconfig-"));
});
afterAll(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});

const clock = createManualClock(new Date(0));
const open = (environment: Readonly<Record<string, string>>) =>
  openCapabilities(
    {
      environment: { OCTOBATCH_SANDBOX: "kubernetes", ...environment },
      database: database.database,
      clock,
      log: createLogger("silent"),
      dispatcher: { kick: () => {}, idle: async () => {} },
    },
    ["sandbox"],
    { blobs: createMemoryBlobStore(), codeHost: createMemoryCodeHost({ clock }) },
  );
const complete = {
  OCTOBATCH_JOBS_IMAGE: "octobatch:1",
  OCTOBATCH_ARTIFACTS_URL: "http://artifacts.test",
  OCTOBATCH_JOB_TOKEN_KEY: Buffer.alloc(32).toString("base64"),
};

test("Jobs ask for what they need, and for nothing of a sandbox of processes", async () => {
  const refused = await open({}).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(InvalidConfiguration);
  const lines = String(refused).replace("InvalidConfiguration: ", "").split("\n");
  expect(lines.map((line) => line.split(":")[0])).toEqual(Object.keys(complete));
});

test("it opens without a cluster, and its check says that none answers", async () => {
  const kubeconfig = join(directory, "kubeconfig");
  const server = `https://127.0.0.1:${await freePort()}`;
  const config = {
    clusters: [{ name: "gone", cluster: { server } }],
    users: [{ name: "octobatch", user: { token: "a token" } }],
    contexts: [{ name: "gone", context: { cluster: "gone", user: "octobatch" } }],
    "current-context": "gone",
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  const opened = await open({ ...complete, OCTOBATCH_KUBECONFIG: kubeconfig });
  const check = opened.checks.get("sandbox");
  await expect(check?.()).rejects.toThrow(SandboxUnavailable);
  await expect(check?.()).rejects.toThrow(/The cluster does not answer/);
  await opened.close();
});
