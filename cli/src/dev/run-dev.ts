import { mkdir, open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { InvalidConfiguration, processEnvironment, readSettings } from "#shared/runtime/config.ts";
import { createLogger } from "#shared/runtime/logger.ts";
import type { DevOptions } from "./dev-settings.ts";
import { startDev } from "./start-dev.ts";

/**
 * `octobatch dev`: runs until it is interrupted. Its log goes to `octobatch.log` in the data directory; people get what
 * they need to know.
 *
 * @returns the exit code: 0 when it was asked to end, 69 when something it needs is not there, 78 for wrong settings.
 */
export async function runDev(options: DevOptions): Promise<number> {
  const environment = processEnvironment();
  const { OCTOBATCH_LOG_LEVEL: level } = readSettings(environment, ["OCTOBATCH_LOG_LEVEL"]);
  const directory = resolve(options.data);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const logFile = await open(join(directory, "octobatch.log"), "a", 0o600);
  const stream = logFile.createWriteStream();
  try {
    const dev = await startDev(options, environment, createLogger(level, stream));
    process.stdout.write(
      [
        `Octobatch runs at ${dev.url}`,
        `  webhooks   ${dev.webhookUrl}`,
        `  data       ${dev.directory}`,
        `  log        ${join(dev.directory, "octobatch.log")}`,
        "",
        "Try: octobatch apply campaign.yaml    (Ctrl-C ends it; it goes on where it was when you start it again)",
        "",
      ].join("\n"),
    );
    await interrupted();
    process.stdout.write("Ending …\n");
    await dev.close();
    return 0;
  } catch (error) {
    process.stderr.write(`octobatch dev: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof InvalidConfiguration ? 78 : 69;
  } finally {
    stream.end();
  }
}

function interrupted(): Promise<void> {
  return new Promise((resolveInterrupted) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolveInterrupted());
  });
}
