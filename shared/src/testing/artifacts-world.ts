import { createHash } from "node:crypto";
import { artifactsOn } from "#functions/artifacts/artifacts.ts";
import type { Terms } from "#functions/artifacts/capabilities.ts";
import { createGitHubSourceRelay } from "#shared/adapters/github/source-relay.ts";
import { createOutboundAgents } from "#shared/adapters/github/outbound-fetch.ts";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { createStores, type Stores } from "#shared/adapters/postgres/stores.ts";
import { mintJobToken, type JobDirection, type JobGrant } from "#shared/artifacts/job-token.ts";
import type { Execution } from "#shared/execution/execution.ts";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import type { SourceRelay } from "#shared/ports/source-relay.ts";
import { createEndpoint } from "#shared/runtime/function-endpoint.ts";
import { startHttpServer } from "#shared/runtime/http-server.ts";
import { createLogger } from "#shared/runtime/logger.ts";
import { openCapabilities } from "#shared/runtime/open-capabilities.ts";
import { alwaysReleased } from "#shared/runtime/task-release.ts";
import { anExecution, aSpecVersion } from "./builders.ts";
import { openTokensWorld, tokensStartAt, type TokensWorld } from "./tokens-world.ts";

/**
 * The artifacts function on a socket, over a real Postgres, blobs in memory, the tokens function, and the local GitHub with
 * real git. Execution `x-1` runs on `acme/api`, at the head of its `main`.
 */
export interface ArtifactsWorld extends Pick<TokensWorld, "github" | "database" | "clock"> {
  readonly port: number;
  readonly stores: Stores;
  readonly blobs: BlobStore;
  readonly execution: Execution;
  /** What one may address: `http://…/jobs/x-1/1`. */
  readonly jobUrl: string;
  /** A token for the execution's first attempt that lasts an hour, unless `change` says otherwise. */
  token(direction: JobDirection, change?: Partial<JobGrant>): string;
  /** Sends a request to the Job's address; a body brings its length and checksum, and the token is that of `uploads`. */
  send(method: string, path: string, options?: Sent): Promise<Response>;
  /** How often the dispatcher was asked to look for what is due. */
  kicks(): number;
  /** Everything that was logged. */
  log(): string;
  /** What git has asked GitHub, as `METHOD path`, since the last `reset`. */
  gitRequests(): readonly string[];
  /** Forgets all that was handed in and asked for, and puts the execution back: cheaper than another world. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export interface Sent {
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string;
}

export const jobTokenKey = Buffer.alloc(32, 7);

/** Short enough for a test that waits for an end, and long enough for one that does not. */
const usualTerms: Terms = {
  sending: { leastBytes: 1_024, everyMs: 2_000 },
  fetching: { leastBytes: 1, everyMs: 10_000 },
  fetches: { atOnce: 8, inLine: 64 },
  uploads: { atOnce: 8, inLine: 64 },
};

export async function openArtifactsWorld(
  options: {
    readonly terms?: Partial<Terms>;
    readonly blobs?: BlobStore;
    readonly sourceRelay?: SourceRelay;
    readonly limits?: { readonly patchBytes?: number; readonly logBytes?: number };
  } = {},
): Promise<ArtifactsWorld> {
  const tokensWorld = await openTokensWorld();
  const { github, database, clock } = tokensWorld;
  const stores = createStores(database.database.knex, alwaysReleased);
  await stores.campaigns.apply(aSpecVersion());
  const { id, nodeId, git } = github.repository("acme/api");
  const baseCommit = (await git.refOid("refs/heads/main")) ?? "";
  const execution = anExecution({
    repository: { id, nodeId, owner: "acme", name: "api" },
    baseCommit,
    state: { status: "running" },
  });
  await stores.executions.addAll([execution], tokensStartAt);

  let text = "";
  const log = createLogger("trace", { write: (line) => void (text += line) });
  const blobs = options.blobs ?? createMemoryBlobStore();
  const sourceRelay =
    options.sourceRelay ??
    createGitHubSourceRelay({
      tokens: tokensWorld.client("source"),
      apiUrl: github.apiUrl,
      clock,
      way: { agents: createOutboundAgents({}), silentMs: 10_000 },
    });
  const sandboxLimits = {
    memoryBytes: 1 << 20,
    processes: 1,
    diskBytes: 1 << 20,
    logBytes: options.limits?.logBytes ?? 1 << 20,
    patchBytes: options.limits?.patchBytes ?? 1 << 20,
  };
  const definition = artifactsOn({ ...usualTerms, ...options.terms });
  let kicks = 0;
  const dispatcher = { kick: () => void (kicks += 1), idle: async () => {} };
  const foundation = { environment: {}, database: database.database, clock, log, dispatcher };
  const overrides = { blobs, sourceRelay, sandboxLimits, jobTokenKeys: [jobTokenKey] };
  const opened = await openCapabilities(foundation, definition.needs, overrides);
  const { tasks } = stores;
  const capabilities = opened.grant(definition.needs);
  const { checks } = opened;
  const afterwards = () => dispatcher.kick();
  const server = await startHttpServer(
    createEndpoint({ definition, capabilities, tasks, clock, log, checks, afterwards }),
    0,
    "127.0.0.1",
  );
  const jobUrl = `http://127.0.0.1:${server.port}/jobs/x-1/1`;

  const tables = database.database.knex;
  let gitRequestsBefore = 0;
  const gitRequests = () =>
    github.requests.flatMap(({ method, path }) => (path.includes(".git/") ? [`${method} ${path}`] : []));

  const token = (direction: JobDirection, change: Partial<JobGrant> = {}) => {
    const expiresAt = new Date(clock.now().getTime() + 3_600_000);
    return mintJobToken([jobTokenKey], { executionId: "x-1", attempt: 1, direction, expiresAt, ...change });
  };

  return {
    github,
    database,
    clock,
    port: server.port,
    stores,
    blobs,
    execution,
    jobUrl,
    token,
    send(method, path, { body, headers, token: given = token("upload") } = {}) {
      const announced = body === undefined ? {} : { "x-octobatch-sha256": sha256Of(body) };
      return fetch(`${jobUrl}/${path}`, {
        method,
        headers: { authorization: `Bearer ${given}`, ...announced, ...headers },
        ...(body === undefined ? {} : { body: Buffer.from(body) }),
      });
    },
    kicks: () => kicks,
    log: () => text,
    gitRequests: () => gitRequests().slice(gitRequestsBefore),
    async reset() {
      gitRequestsBefore = gitRequests().length;
      text = "";
      for (const prefix of ["tidy/", "cache/"]) for (const key of await blobs.list(prefix)) await blobs.remove(key);
      await stores.liveLogs.forget({ executionId: "x-1", attempt: 1 });
      await tables("tasks").delete();
      await tables("executions").whereNot({ id: "x-1" }).delete();
      await tables("executions").update({ attempt: 1, status: "running", state: { status: "running" }, version: 1 });
    },
    async close() {
      await server.close(0);
      await opened.close();
      await tokensWorld.close();
    },
  };
}

export function sha256Of(body: Uint8Array | string): string {
  return createHash("sha256").update(body).digest("hex");
}
