import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { allFunctions } from "#functions/all.ts";
import { startEmbeddedPostgres } from "#shared/adapters/embedded-postgres/embedded-postgres.ts";
import { systemClock } from "#shared/adapters/system/system-clock.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { startLocalPlatform, type LocalPlatform } from "#shared/runtime/local-platform.ts";
import type { Logger } from "#shared/runtime/logger.ts";
import { devSettings, writeConnection, type DevOptions } from "./dev-settings.ts";

const manifestsDirectory = fileURLToPath(new URL("../../../knative", import.meta.url));

export interface Dev extends LocalPlatform {
  readonly directory: string;
  readonly token: string;
}

/**
 * Starts everything on this machine: an embedded Postgres unless DATABASE_URL names one, all functions, and the broker
 * between them. It keeps its data in one directory, and goes on where it was, however it ended.
 */
export async function startDev(
  options: DevOptions,
  environment: Readonly<Record<string, string | undefined>>,
  log: Logger,
  clock: Clock = systemClock,
): Promise<Dev> {
  const { directory, token, environment: made } = await devSettings(options, environment);
  const given = environment["DATABASE_URL"];
  const postgres = given
    ? undefined
    : await startEmbeddedPostgres({ directory: join(directory, "postgres"), log: (message) => log.debug(message) });
  try {
    const platform = await startLocalPlatform({
      functions: allFunctions,
      environment: { ...made, DATABASE_URL: postgres?.url ?? given },
      manifestsDirectory,
      port: options.port,
      clock,
      log,
      // The embedded database lets one process in at a time.
      alone: postgres !== undefined,
    });
    await writeConnection(directory, platform.url, token);
    return {
      ...platform,
      directory,
      token,
      async close() {
        await platform.close();
        await postgres?.stop();
      },
    };
  } catch (error) {
    await postgres?.stop();
    throw error;
  }
}
