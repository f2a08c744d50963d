import { stringify } from "yaml";
import { catalogue } from "#eventing/catalogue.ts";
import type { AnyEventType } from "#eventing/event-type.ts";
import { executionReported } from "#eventing/execution.ts";
import { writeEvent } from "#shared/adapters/knative/cloud-events.ts";
import { createManualClock, type ManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { createMemoryCodeHost, type MemoryCodeHost } from "#shared/adapters/memory/memory-code-host.ts";
import { createMemoryEventBus, type MemoryEventBus } from "#shared/adapters/memory/memory-event-bus.ts";
import { createMemoryHostApp, type MemoryHostApp } from "#shared/adapters/memory/memory-host-app.ts";
import {
  createMemorySandbox,
  type MemorySandbox,
  type ScriptedOutcome,
} from "#shared/adapters/memory/memory-sandbox.ts";
import { createStores, type Stores } from "#shared/adapters/postgres/stores.ts";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import { CodeHostUnavailable } from "#shared/ports/code-host.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import type { TokenIssuer } from "#shared/ports/host-tokens.ts";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import type { Capabilities } from "#shared/runtime/capabilities.ts";
import type { EventFunction, OctobatchFunction } from "#shared/runtime/define-function.ts";
import { createDispatcher, type Dispatcher } from "#shared/runtime/dispatcher.ts";
import { createEndpoint, type Endpoint } from "#shared/runtime/function-endpoint.ts";
import { createLogger, type Logger } from "#shared/runtime/logger.ts";
import { openCapabilities, type Opened } from "#shared/runtime/open-capabilities.ts";
import { alwaysReleased } from "#shared/runtime/task-release.ts";
import { taskFor } from "#shared/task/task.ts";
import { testDatabase, type TestDatabase } from "./postgres.ts";

export const apiToken = "a-token-for-function-tests";
export const webhookSecret = "a-webhook-secret-for-function-tests";

/** A line of the log. */
export type LogLine = Readonly<Record<string, unknown>>;

/**
 * What stands around functions in a test: a real Postgres, and memory instead of everything else. Events go through the
 * real endpoints and the real dispatcher; nothing is delivered before the test says so.
 */
export interface FunctionWorld {
  readonly clock: ManualClock;
  readonly codeHost: MemoryCodeHost;
  readonly hostApp: MemoryHostApp;
  readonly blobs: BlobStore;
  readonly sandbox: MemorySandbox;
  readonly bus: MemoryEventBus;
  readonly database: TestDatabase;
  readonly stores: Stores;
  readonly opened: Opened;
  readonly dispatcher: Dispatcher;
  readonly log: Logger;
  readonly logs: readonly LogLine[];
  /** Delivers an event as the broker would, waits for what follows from it to be announced, and answers the status. */
  deliver(definition: EventFunction, event: BusEvent): Promise<number>;
  /** Sends a request to an HTTP function. */
  request(definition: OctobatchFunction, request: Request): Promise<Response>;
  /** Asks the API as its one user, and answers the body. @throws Error unless the answer is 200. */
  call(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown>;
  /** Applies a spec and asks for its preview. */
  preview(spec: string): Promise<void>;
  /**
   * Delivers what was announced and ends what runs in the sandbox, until nothing is left but events of the type to stop
   * before.
   */
  settle(options?: { readonly stopBefore?: AnyEventType }): Promise<void>;
  /** The newest event of the type that was announced. @throws Error when there is none. */
  announced(type: AnyEventType): BusEvent;
  close(): Promise<void>;
}

export interface FunctionWorldOptions {
  /** Every function that `settle` and `call` may use. */
  readonly functions: readonly OctobatchFunction[];
  /** What the steps come to: unless it is given, they write `changed.txt` into every repository. */
  readonly transform?: (job: TransformJob) => ScriptedOutcome;
  /** Capabilities to use instead. */
  readonly overrides?: Partial<Capabilities>;
  readonly startAt?: Date;
}

export async function openFunctionWorld(options: FunctionWorldOptions): Promise<FunctionWorld> {
  const clock = createManualClock(options.startAt ?? new Date("2026-03-02T09:00:00Z"));
  const database = await testDatabase();
  const stores = createStores(database.database.knex, alwaysReleased);
  const codeHost = createMemoryCodeHost({ clock, pageSize: 2 });
  const hostApp = createMemoryHostApp({ clock });
  const blobs = createMemoryBlobStore({ clock });
  const bus = createMemoryEventBus();
  const logs: LogLine[] = [];
  // Our own logger writes one JSON object a line.
  const log = createLogger("trace", { write: (line) => void logs.push(JSON.parse(line) as LogLine) });
  const { tasks } = stores;
  const dispatcher = createDispatcher({ tasks, bus, clock, limits: plenty, source: "/octobatch/test", log });
  const sandbox = createMemorySandbox({
    blobs,
    transform: options.transform ?? (() => writes({ "changed.txt": "changed\n" })),
    treeOf: ({ source }, changes) => codeHost.treeWith(`${source.owner}/${source.name}`, source.commit, changes),
    reported: async (executionId) => {
      const { campaign, attempt, repository } = await stores.executions.get(executionId);
      const where = { campaign, organization: repository.owner, notBefore: clock.now(), dedupe: [attempt] };
      await tasks.addAll([taskFor(executionReported, { executionId, attempt }, where)], clock.now());
    },
  });
  const overrides = {
    codeHost,
    hostApp,
    tokenIssuer: nobodysTokens,
    tokenCallers: [],
    blobs,
    sandbox,
    sandboxLimits: { memoryBytes: 1, processes: 1, diskBytes: 1, logBytes: 1, patchBytes: 1 },
    ...options.overrides,
  };
  const needs = options.functions.flatMap((definition) => definition.needs);
  const foundation = { environment, database: database.database, clock, log, dispatcher };
  const opened = await openCapabilities(foundation, needs, overrides);

  const endpoints = new Map<string, Endpoint>();
  function endpointOf(definition: OctobatchFunction): Endpoint {
    const made = endpoints.get(definition.name) ?? endpointFor(definition);
    endpoints.set(definition.name, made);
    return made;
  }
  function endpointFor(definition: OctobatchFunction): Endpoint {
    const capabilities = opened.grant(definition.needs);
    const { checks } = opened;
    return createEndpoint({ definition, capabilities, tasks, clock, log, checks, afterwards: () => dispatcher.kick() });
  }

  async function request(definition: OctobatchFunction, asked: Request): Promise<Response> {
    const response = await endpointOf(definition)(asked);
    await dispatcher.idle();
    return response;
  }

  async function deliver(definition: EventFunction, event: BusEvent): Promise<number> {
    const { headers, body } = writeEvent(event);
    const message = new Request("http://function.test/", { method: "POST", headers, body });
    return (await request(definition, message)).status;
  }

  async function call(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown> {
    const api = options.functions.find(({ name }) => name === "api");
    if (api === undefined) throw new Error("The test gave the world no function `api`.");
    const response = await request(api, apiRequest(method, path, body));
    if (response.status !== 200) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  let delivered = 0;
  return {
    clock,
    codeHost,
    hostApp,
    blobs,
    sandbox,
    bus,
    database,
    stores,
    opened,
    dispatcher,
    log,
    logs,
    deliver,
    request,
    call,
    async preview(spec) {
      const applied = await call("POST", "/campaigns", { spec });
      // The API answers its own schema.
      const { campaign } = applied as { readonly campaign: string };
      await call("POST", `/campaigns/${campaign}/previews`);
    },
    async settle({ stopBefore } = {}) {
      do {
        dispatcher.kick();
        await dispatcher.idle();
        for (let event = bus.published[delivered]; event !== undefined; event = bus.published[delivered]) {
          delivered += 1;
          if (event.type === stopBefore?.type) continue;
          await deliver(handlerOf(options.functions, event), event);
        }
      } while ((await sandbox.finishAll()) > 0);
    },
    announced(type) {
      const found = bus.published.findLast((event) => event.type === type.type);
      if (found === undefined) throw new Error(`No ${type.type} was announced.`);
      return found;
    },
    async close() {
      await dispatcher.idle();
      await opened.close();
      await database.drop();
    },
  };
}

/** A request to the API, with the token of its one user unless another `authorization` is given. */
export function apiRequest(
  method: string,
  path: string,
  body?: unknown,
  authorization = `Bearer ${apiToken}`,
): Request {
  // A text is sent as it is, so that a test can send what is not JSON.
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Request(`http://function.test/api/v1${path}`, {
    method,
    headers: { authorization, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: text }),
  });
}

/** Changes that write these texts, by path. */
export function writes(files: Readonly<Record<string, string>>): ScriptedOutcome {
  return Object.entries(files).map(([path, text]) => ({
    path,
    kind: "write" as const,
    mode: "100644" as const,
    content: Buffer.from(text),
  }));
}

/** A spec as YAML: all repositories of `acme`, one step; whatever is given replaces what is there. */
export function specText(parts: Readonly<Record<string, unknown>> = {}): string {
  return stringify({
    version: 1,
    name: "node-24",
    on: [{ org: "acme" }],
    steps: [{ run: "sed -i s/22/24/ .nvmrc", image: "alpine:3" }],
    pullRequest: { title: "Move to Node 24" },
    ...parts,
  });
}

/** There is no key of an App in this world; tests of the tokens function have one of their own. */
const nobodysTokens: TokenIssuer = {
  token: () => noKey(),
  ofInstallation: () => noKey(),
  appPass: () => noKey(),
  check: () => noKey(),
};

function noKey(): Promise<never> {
  return Promise.reject(new CodeHostUnavailable("This world has no key of an App."));
}

/** No back-pressure: it is the store's to test. */
const plenty = Object.fromEntries(catalogue.map(({ type }) => [type, 1000]));

const environment = {
  OCTOBATCH_PUBLIC_URL: "https://octobatch.test",
  OCTOBATCH_GITHUB_WEBHOOK_SECRET: webhookSecret,
  OCTOBATCH_API_TOKENS: `ada:${apiToken}`,
  OCTOBATCH_PULL_REQUESTS_PER_DAY: "150",
};

function handlerOf(functions: readonly OctobatchFunction[], { type }: BusEvent): EventFunction {
  const found = functions.find((definition) => definition.kind === "event" && definition.on.type === type);
  if (found?.kind !== "event") throw new Error(`The test gave the world no function that handles ${type}.`);
  return found;
}
