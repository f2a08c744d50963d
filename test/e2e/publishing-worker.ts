// One of several processes that share the work: every function, as if in a pod of its own, behind a broker that is
// elsewhere. Its time is what the process that forked it says; it answers each message once it has taken it.
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import { allFunctions } from "#functions/all.ts";
import { createFilesystemBlobStore } from "#shared/adapters/filesystem/filesystem-blob-store.ts";
import { createHttpEventBus } from "#shared/adapters/knative/http-event-bus.ts";
import { createManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { openDatabase } from "#shared/adapters/postgres/database.ts";
import { createStores } from "#shared/adapters/postgres/stores.ts";
import { readSettings } from "#shared/runtime/config.ts";
import { createDispatcher } from "#shared/runtime/dispatcher.ts";
import { createEndpoint, type Endpoint } from "#shared/runtime/function-endpoint.ts";
import { startHttpServer } from "#shared/runtime/http-server.ts";
import { createLogger } from "#shared/runtime/logger.ts";
import { openForAll } from "#shared/runtime/open-for-all.ts";
import { alwaysReleased, releaseLimits, releaseSettings } from "#shared/runtime/task-release.ts";
import { createScriptedSandbox } from "./scripted-sandbox.ts";

/** What the process that forked it says: the time from now on, in milliseconds since 1970, or that it is over. */
export type Word = { readonly nowMs: number } | "end";

/** What it answers: where it listens, and how many requests to GitHub it has begun. */
export interface Report {
  readonly port: number;
  readonly requests: number;
}

let requests = 0;
const settings = readSettings(process.env, [
  "DATABASE_URL",
  "K_SINK",
  "OCTOBATCH_BLOB_DIRECTORY",
  "OCTOBATCH_GITHUB_API_URL",
  ...releaseSettings,
]);
subscribe("http.client.request.start", (message) => {
  // Node documents this message: https://nodejs.org/api/diagnostics_channel.html#http
  const { request } = message as { readonly request: ClientRequest };
  if (settings.OCTOBATCH_GITHUB_API_URL.includes(String(request.getHeader("host")))) requests += 1;
});
const clock = createManualClock(new Date(Number(process.env["TEST_NOW_MS"])));
const log = createLogger(process.env["OCTOBATCH_TEST_LOG_LEVEL"] ?? "silent");
const database = openDatabase({ url: settings.DATABASE_URL, poolSize: 5 });
const stores = createStores(database.knex, alwaysReleased);
const { tasks } = stores;
const dispatcher = createDispatcher({
  tasks,
  bus: createHttpEventBus({ sinkUrl: settings.K_SINK, timeoutMs: 30_000 }),
  clock,
  limits: releaseLimits(settings),
  source: "/octobatch/worker",
  log,
});
// It listens before there is anything behind it: the functions ask their own process for tokens. Events come to
// `/<function>`; what is none of these is for the API.
let endpoints: ReadonlyMap<string, Endpoint> = new Map();
const server = await startHttpServer(
  async (request) => {
    const name = new URL(request.url).pathname.split("/")[1] ?? "";
    return (await (endpoints.get(name) ?? endpoints.get("api"))?.(request)) ?? new Response(null, { status: 503 });
  },
  0,
  "127.0.0.1",
);
const environment = { ...process.env, OCTOBATCH_TOKENS_URL: `http://127.0.0.1:${server.port}` };
const blobs = createFilesystemBlobStore({ directory: settings.OCTOBATCH_BLOB_DIRECTORY ?? "" });
const sandbox = createScriptedSandbox({ blobs, stores, clock });
const opened = await openForAll({ environment, database, clock, log, dispatcher }, allFunctions, { blobs, sandbox });
endpoints = new Map(
  allFunctions.map((definition) => [
    definition.name,
    createEndpoint({
      definition,
      capabilities: opened.grantTo(definition),
      tasks,
      clock,
      log,
      checks: opened.checks,
      afterwards: () => dispatcher.kick(),
    }),
  ]),
);

async function end(): Promise<void> {
  await server.close(1_000);
  await dispatcher.idle();
  await opened.close();
  await database.close();
  process.disconnect?.();
}

function report(): void {
  process.send?.({ port: server.port, requests } satisfies Report);
}

// The process that forked it sends nothing else.
process.on("message", (word: Word) => {
  if (word === "end") return void end();
  if (word.nowMs > clock.now().getTime()) clock.set(new Date(word.nowMs));
  dispatcher.kick();
  report();
});
// Whoever forked it is gone, or has said that it is over.
process.on("disconnect", () => process.exit());
report();
