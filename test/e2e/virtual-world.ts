import { randomUUID } from "node:crypto";
import { ticked } from "#eventing/tick.ts";
import { tick } from "#functions/tick/tick.ts";
import { createFilesystemBlobStore } from "#shared/adapters/filesystem/filesystem-blob-store.ts";
import { createAppClient, passesOf } from "#shared/adapters/github/app.ts";
import { createGitHubCodeHost } from "#shared/adapters/github/code-host.ts";
import { gitOnThisMachine } from "#shared/adapters/process/git-tools.ts";
import { connectToGitHub } from "#shared/adapters/github/connection.ts";
import { createGitHubHostApp } from "#shared/adapters/github/host-app.ts";
import { createGitHubTokenMint } from "#shared/adapters/github/token-mint.ts";
import { writeEvent } from "#shared/adapters/knative/cloud-events.ts";
import { createPostgresPacing } from "#shared/adapters/postgres/pacing.ts";
import { createRecall } from "#shared/adapters/postgres/recall-content.ts";
import { githubLimits } from "#shared/pacing/limits.ts";
import type { Capabilities } from "#shared/runtime/capabilities.ts";
import { createEndpoint } from "#shared/runtime/function-endpoint.ts";
import { createLogger } from "#shared/runtime/logger.ts";
import { openCapabilities } from "#shared/runtime/open-capabilities.ts";
import { createTokenIssuer } from "#shared/tokens/issue-tokens.ts";
import { memoryShelf } from "#shared/tokens/token-shelf.ts";
import { documentedLimits } from "../github/limits/github-limits.ts";
import { createVirtualClock, type VirtualClock } from "../github/virtual-clock.ts";
import { passTime } from "./pass-time.ts";
import { createScriptedSandbox } from "./scripted-sandbox.ts";
import { startWorld, type Surroundings, type World } from "./world.ts";

/** The whole product under GitHub's documented limits, in a time that passes only while nothing else can happen. */
export interface VirtualWorld extends World {
  readonly clock: VirtualClock;
  /** Goes on, moving the clock to whatever is due next, until there is nothing left to do. */
  finished(): Promise<void>;
  /** Lets so much time pass that every pull request is looked at again, and finishes that. */
  sweep(): Promise<void>;
}

const sweepAfterMs = 16 * 60_000;
/** @param options.requestTimeoutMs of each request to GitHub: the one thing here that takes real time */
export async function startVirtualWorld(options: {
  readonly startAt: Date;
  readonly requestTimeoutMs: number;
}): Promise<VirtualWorld> {
  const clock = createVirtualClock(options.startAt);
  const log = createLogger(process.env["OCTOBATCH_TEST_LOG_LEVEL"] ?? "silent");
  const overridesOf = (around: Around): Partial<Capabilities> => inVirtualTime(around, clock, options.requestTimeoutMs);
  const world = await startWorld({ clock, limits: documentedLimits, overrides: overridesOf });
  const { stores, database, platform, environment } = world;
  const foundation = {
    environment: { ...environment, OCTOBATCH_PUBLIC_URL: platform.url },
    database: database.database,
    clock,
    log,
    dispatcher: platformDispatcher(world),
  };
  const opened = await openCapabilities(foundation, tick.needs, overridesOf(world));
  const tickNow = createEndpoint({
    definition: tick,
    capabilities: opened.grant(tick.needs),
    tasks: stores.tasks,
    clock,
    log,
    checks: opened.checks,
    afterwards: () => platform.kick(),
  });

  const finished = (): Promise<void> => passTime({ ...world, clock, moved: () => platform.kick() });

  return {
    ...world,
    clock,
    finished,
    async sweep() {
      clock.advance(sweepAfterMs);
      const event = { id: randomUUID(), source: "/test", type: ticked.type, time: clock.now(), data: {} };
      const { headers, body } = writeEvent(event);
      const answer = await tickNow(new Request("http://tick.test/", { method: "POST", headers, body }));
      if (!answer.ok) throw new Error(`The tick was answered with ${answer.status}.`);
      await finished();
    },
    async close() {
      await opened.close();
      await world.close();
    },
  };
}

type Around = Pick<Surroundings, "environment" | "stores" | "database">;

/** Waits of the adapter itself pass on the clock, and steps take no time. */
function inVirtualTime(
  { environment, stores, database: { database } }: Around,
  clock: VirtualClock,
  timeoutMs: number,
): Partial<Capabilities> {
  const pacing = createPostgresPacing({ database, limits: githubLimits(), recall: createRecall(database.knex) });
  const way = {
    apiUrl: environment["OCTOBATCH_GITHUB_API_URL"] ?? "",
    clock,
    timeoutMs,
    pacing,
    sleep: (ms: number) => clock.after(ms),
  };
  const mint = createGitHubTokenMint({
    ...way,
    appId: environment["OCTOBATCH_GITHUB_APP_ID"] ?? "",
    privateKey: environment["OCTOBATCH_GITHUB_PRIVATE_KEY"] ?? "",
  });
  const tokenIssuer = createTokenIssuer({ mint, shelf: memoryShelf(clock), clock });
  const app = createAppClient(connectToGitHub(way), passesOf(tokenIssuer));
  const blobs = createFilesystemBlobStore({ directory: environment["OCTOBATCH_BLOB_DIRECTORY"] ?? "" });
  return {
    pacing,
    tokenIssuer,
    hostTokens: tokenIssuer,
    hostApp: createGitHubHostApp({ app }),
    codeHost: createGitHubCodeHost({ ...way, tokens: tokenIssuer, git: gitOnThisMachine() }),
    blobs,
    sandbox: createScriptedSandbox({ blobs, stores, clock }),
  };
}

function platformDispatcher({ platform }: World): { kick(): void; idle(): Promise<void> } {
  return { kick: () => platform.kick(), idle: () => platform.idle() };
}
