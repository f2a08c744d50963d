import { setTimeout as pause } from "node:timers/promises";
import type { z } from "zod";
import { executionReported } from "#eventing/execution.ts";
import { api } from "#functions/api/api.ts";
import { collectExecution } from "#functions/collect-execution/collect-execution.ts";
import { executeTransform } from "#functions/execute-transform/execute-transform.ts";
import { publishChangeset } from "#functions/publish-changeset/publish-changeset.ts";
import { selectPage } from "#functions/select-page/select-page.ts";
import { writeEvent } from "#shared/adapters/knative/cloud-events.ts";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { createMemorySandbox } from "#shared/adapters/memory/memory-sandbox.ts";
import { openDatabase } from "#shared/adapters/postgres/database.ts";
import { migrate } from "#shared/adapters/postgres/migrate.ts";
import { rowsOf } from "#shared/adapters/postgres/sql.ts";
import { createStores, type Stores } from "#shared/adapters/postgres/stores.ts";
import type { Database } from "#shared/adapters/postgres/database.ts";
import type { CodeHost, FileChange } from "#shared/ports/code-host.ts";
import type { BusEvent, EventBus } from "#shared/ports/event-bus.ts";
import { createDispatcher, type Dispatcher } from "#shared/runtime/dispatcher.ts";
import { createEndpoint, type Endpoint } from "#shared/runtime/function-endpoint.ts";
import { createLogger } from "#shared/runtime/logger.ts";
import { openCapabilities } from "#shared/runtime/open-capabilities.ts";
import { alwaysReleased, releaseLimits, releaseSettings } from "#shared/runtime/task-release.ts";
import { readSettings } from "#shared/runtime/config.ts";
import { taskFor } from "#shared/task/task.ts";
import type { VirtualClock } from "../github/virtual-clock.ts";

/** Those that a campaign takes from its spec to its pull requests. */
const functions = [api, selectPage, executeTransform, collectExecution, publishChangeset] as const;

const token = "a-token-for-benchmarks-only";

/** The functions of a campaign in this process, on a clock that jumps to whatever is next: hours cost no time. */
export interface VirtualPlatform {
  readonly stores: Stores;
  /** Asks the API. @throws Error unless the answer is 200. */
  call<T>(schema: z.ZodType<T>, method: "GET" | "POST", path: string, body?: unknown): Promise<T>;
  /** Does all that is to be done, however far in the future, or what is to be done for so long. */
  finish(forMs?: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param options.codeHost Makes the code host; whoever waits in it has to wait by `sleep`.
 * @param options.change What the steps come to in every repository.
 * @param options.tree The tree that a repository has with it.
 */
export async function openVirtualPlatform(options: {
  readonly databaseUrl: string;
  readonly clock: VirtualClock;
  readonly codeHost: (context: {
    readonly database: Database;
    readonly sleep: (ms: number) => Promise<void>;
  }) => CodeHost;
  readonly change: readonly FileChange[];
  readonly tree: string;
  readonly settings: Readonly<Record<string, string>>;
}): Promise<VirtualPlatform> {
  const { clock, change, tree } = options;
  const database = openDatabase({ url: options.databaseUrl, poolSize: 20 });
  await migrate(database);
  const stores = createStores(database.knex, alwaysReleased);
  const log = createLogger("silent");
  const busy = { handling: 0, sleeping: 0 };

  const sleep = async (ms: number): Promise<void> => {
    busy.sleeping += 1;
    await clock.after(ms);
    busy.sleeping -= 1;
  };
  const codeHost = options.codeHost({ database, sleep });
  const blobs = createMemoryBlobStore();
  const sandbox = createMemorySandbox({
    blobs,
    transform: () => change,
    treeOf: () => tree,
    reported: async (executionId) => {
      const { campaign, attempt, repository } = await stores.executions.get(executionId);
      const where = { campaign, organization: repository.owner, notBefore: clock.now(), dedupe: [attempt] };
      await stores.tasks.addAll([taskFor(executionReported, { executionId, attempt }, where)], clock.now());
    },
  });
  const environment = {
    OCTOBATCH_PUBLIC_URL: "https://octobatch.test",
    OCTOBATCH_GITHUB_WEBHOOK_SECRET: "a-webhook-secret-for-benchmarks",
    OCTOBATCH_API_TOKENS: `bench:${token}`,
    ...options.settings,
  };

  const endpoints = new Map<string, Endpoint>();
  const bus: EventBus = {
    async publish(event) {
      busy.handling += 1;
      void handle(event).finally(() => {
        busy.handling -= 1;
      });
    },
  };
  const limits = releaseLimits(readSettings(environment, releaseSettings));
  const source = "/octobatch/bench";
  const dispatcher = createDispatcher({ tasks: stores.tasks, bus, clock, limits, source, log });
  const overrides = {
    codeHost,
    blobs,
    sandbox,
    sandboxLimits: { memoryBytes: 1, processes: 1, diskBytes: 1, logBytes: 1, patchBytes: 1 },
  };
  const needs = functions.flatMap((definition) => definition.needs);
  const opened = await openCapabilities({ environment, database, clock, log, dispatcher }, needs, overrides);
  for (const definition of functions) {
    const endpoint = createEndpoint({
      definition,
      capabilities: opened.grant(definition.needs),
      tasks: stores.tasks,
      clock,
      log,
      checks: opened.checks,
      afterwards: () => dispatcher.kick(),
    });
    endpoints.set(definition.name, endpoint);
    if (definition.kind === "event") endpoints.set(definition.on.type, endpoint);
  }

  async function handle(event: BusEvent): Promise<void> {
    // What the broker would do again after a while, the bench does at once: nothing here is unavailable for long.
    const endpoint = endpoints.get(event.type);
    if (endpoint === undefined) throw new Error(`No function takes ${event.type}.`);
    for (let status = 500; status >= 500;) {
      const { headers, body } = writeEvent(event);
      ({ status } = await endpoint(new Request("http://function.test/", { method: "POST", headers, body })));
    }
  }

  return {
    stores,
    async call(schema, method, path, body) {
      const request = new Request(`http://function.test/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const response = await endpoints.get("api")?.(request);
      if (response?.status !== 200) throw new Error(`${method} ${path}: ${response?.status} ${await response?.text()}`);
      return schema.parse(await response.json());
    },
    async finish(forMs = Infinity) {
      const untilMs = clock.now().getTime() + forMs;
      for (;;) {
        await quiet(dispatcher, busy);
        if ((await sandbox.finishAll()) > 0) continue;
        const next = await nextInstant(database, clock);
        if (next === undefined && busy.handling === 0) return;
        if (next !== undefined && next.getTime() > untilMs) return;
        if (next !== undefined && next > clock.now()) clock.set(next);
      }
    },
    async close() {
      await dispatcher.idle();
      await opened.close();
      await database.close();
    },
  };
}

/** Resolves when everybody who is at something waits for a later time, and nothing more is released. */
async function quiet(
  dispatcher: Dispatcher,
  busy: { readonly handling: number; readonly sleeping: number },
): Promise<void> {
  dispatcher.kick();
  do {
    await dispatcher.idle();
    await pause(1);
  } while (busy.handling > busy.sleeping);
  await dispatcher.idle();
}

/** When the next sleeper wakes or the next task is due. */
async function nextInstant({ knex }: Database, clock: VirtualClock): Promise<Date | undefined> {
  const [row] = await rowsOf<{ readonly at: Date | null }>(
    knex,
    "SELECT min(not_before) AS at FROM tasks WHERE state = 'due' AND not_before > :now",
    { now: clock.now() },
  );
  const instants = [row?.at, clock.nextWakeAt()].flatMap((at) => (at ? [at.getTime()] : []));
  return instants.length === 0 ? undefined : new Date(Math.min(...instants));
}
