// Runs one selection in a process of its own, which reports how long it took and how much memory the process had at most.
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { allFunctions } from "#functions/all.ts";
import { openDatabase } from "#shared/adapters/postgres/database.ts";
import { rowsOf } from "#shared/adapters/postgres/sql.ts";
import { createStores } from "#shared/adapters/postgres/stores.ts";
import { systemClock } from "#shared/adapters/system/system-clock.ts";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import type { Sandbox } from "#shared/ports/sandbox.ts";
import { startLocalPlatform } from "#shared/runtime/local-platform.ts";
import { createLogger } from "#shared/runtime/logger.ts";
import { alwaysReleased } from "#shared/runtime/task-release.ts";

const token = "a-token-for-benchmarks-only";
const campaign = "selection";
const spec = `
version: 1
name: ${campaign}
on: [{ org: ${process.env["BENCH_ORGANIZATION"]} }]
filters: { include: [{ file: package.json }] }
steps: [{ run: "true", image: "debian:12" }]
pullRequest: { title: None, body: None }
`;

/** Starts nothing and never ends: what is measured is the selection. */
const idleSandbox: Sandbox = {
  start: async () => {},
  inspect: async () => ({ status: "running" }),
  cancel: async () => {},
  check: async () => {},
};

const environment = { ...process.env, OCTOBATCH_API_TOKENS: `bench:${token}` };
const platform = await startLocalPlatform({
  functions: allFunctions,
  environment,
  manifestsDirectory: fileURLToPath(new URL("../../knative", import.meta.url)),
  port: 0,
  clock: systemClock,
  log: createLogger("warn"),
  alone: true,
  overrides: {
    sandbox: idleSandbox,
    blobs: createMemoryBlobStore(),
    sandboxLimits: { memoryBytes: 1, processes: 1, diskBytes: 1, logBytes: 1, patchBytes: 1 },
  },
});
const database = openDatabase({ url: process.env["DATABASE_URL"] ?? "", poolSize: 1 });
const { runs } = createStores(database.knex, alwaysReleased);

await ask("/campaigns", { spec });
const startedAt = performance.now();
await ask(`/campaigns/${campaign}/previews`);
while ((await runs.get(campaign, 1)).selectedAt === undefined) await pause(20);
const seconds = Math.round((performance.now() - startedAt) / 10) / 100;
const [row] = await rowsOf<{ readonly count: string }>(database.knex, "SELECT count(*) FROM repo_targets", {});

const peakRssMb = Math.round(process.resourceUsage().maxRSS / 1024);
process.send?.({ repositories: Number(row?.count), seconds, peakRssMb });
await platform.close();
await database.close();
process.disconnect();

async function ask(path: string, body?: unknown): Promise<void> {
  const response = await fetch(`${platform.url}/api/v1${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
}
