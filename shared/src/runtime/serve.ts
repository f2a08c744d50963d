import { openDatabase } from "#shared/adapters/postgres/database.ts";
import { createStores } from "#shared/adapters/postgres/stores.ts";
import { createHttpEventBus } from "#shared/adapters/knative/http-event-bus.ts";
import { systemClock } from "#shared/adapters/system/system-clock.ts";
import { InvalidConfiguration, processEnvironment, readSettings } from "./config.ts";
import type { OctobatchFunction } from "./define-function.ts";
import { createDispatcher } from "./dispatcher.ts";
import { createEndpoint } from "./function-endpoint.ts";
import { startHttpServer } from "./http-server.ts";
import { createLogger } from "./logger.ts";
import { openCapabilities, settingsOf } from "./open-capabilities.ts";
import { alwaysReleased, releaseLimits, releaseSettings } from "./task-release.ts";

/** What every function takes, whatever it needs. */
export const baseSettings = ["DATABASE_URL", "K_SINK", "PORT", ...releaseSettings] as const;

/** Knative sends SIGTERM when the drain is over; what is still under way gets this long. */
const graceMs = 20_000;

/**
 * Serves one function as Knative runs it: settings from the environment, HTTP on PORT, JSON lines on standard output,
 * SIGTERM to end. A function's file calls it when it is what node was started with.
 */
export async function serve(definition: OctobatchFunction): Promise<void> {
  const environment = processEnvironment();
  // Until the level is known, which may be what is wrong.
  let log = createLogger("info");
  try {
    log = createLogger(readSettings(environment, ["OCTOBATCH_LOG_LEVEL"]).OCTOBATCH_LOG_LEVEL);
    await start(definition, environment, log);
  } catch (error) {
    log.fatal({ err: error }, error instanceof Error ? error.message : String(error));
    // EX_CONFIG and EX_UNAVAILABLE of sysexits(3).
    process.exitCode = error instanceof InvalidConfiguration ? 78 : 69;
  }
}

async function start(
  definition: OctobatchFunction,
  environment: ReturnType<typeof processEnvironment>,
  log: ReturnType<typeof createLogger>,
): Promise<void> {
  const settings = readSettings(environment, [...baseSettings, ...settingsOf(definition.needs, environment)]);
  const clock = systemClock;
  const database = openDatabase({ url: settings.DATABASE_URL, applicationName: definition.name });
  const { tasks } = createStores(database.knex, alwaysReleased);
  const dispatcher = createDispatcher({
    tasks,
    bus: createHttpEventBus({ sinkUrl: settings.K_SINK, timeoutMs: 30_000 }),
    clock,
    limits: releaseLimits(settings),
    source: `/octobatch/${definition.name}`,
    log,
  });
  const opened = await openCapabilities({ environment, database, clock, log, dispatcher }, definition.needs);
  const endpoint = createEndpoint({
    definition,
    capabilities: opened.grant(definition.needs),
    tasks,
    clock,
    log,
    checks: opened.checks,
    afterwards: () => dispatcher.kick(),
  });
  const server = await startHttpServer(endpoint, settings.PORT, "0.0.0.0");
  log.info({ function: definition.name, port: server.port }, "ready");
  process.once("SIGTERM", () => {
    void (async () => {
      await server.close(graceMs);
      await dispatcher.idle();
      await opened.close();
      await database.close();
    })();
  });
}
