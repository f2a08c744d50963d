import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { open, readFile, rename, stat } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { PostgresBinaries } from "./binaries.ts";
import { EmbeddedPostgresUnavailable } from "./embedded-postgres-unavailable.ts";
import { launchPostgres, postgresEnvironment, type Identity } from "./identity.ts";
import { endOrphans, readPostmasterFile } from "./server-processes.ts";
import { serverSettings } from "./server-settings.ts";

const startPatienceMs = 120_000; // recovery after a crash reads up to max_wal_size of log
const stopPatienceMs = 30_000;
const pollMs = 10;
const portAttempts = 5;
const restartAttempts = 5;
const logLimitBytes = 10 * 1024 * 1024;

interface Start {
  readonly directory: string;
  readonly data: string;
  readonly binaries: PostgresBinaries;
  readonly identity: Identity;
  readonly durable: boolean;
  readonly port: number | undefined;
  readonly log: (message: string) => void;
}

/** One Postgres server, kept running until it is stopped. */
export class PostgresProcess {
  readonly port: number;
  readonly #options: Start;
  #child: ChildProcess;
  #stopping: Promise<void> | undefined;
  #restarting: Promise<void> = Promise.resolve();
  #restarts = 0;

  private constructor(options: Start, port: number, child: ChildProcess) {
    this.#options = options;
    this.port = port;
    this.#child = child;
    this.#watch();
  }

  /** @throws EmbeddedPostgresUnavailable when it does not come up, with the end of its log. */
  static async start(options: Start): Promise<PostgresProcess> {
    for (let attempt = 1; ; attempt += 1) {
      const port = options.port ?? (await freePort());
      try {
        return new PostgresProcess(options, port, await launch(options, port));
      } catch (error) {
        // Between finding a free port and listening on it somebody else can take it.
        if (!(error instanceof PortInUse) || options.port !== undefined || attempt === portAttempts) throw error;
      }
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  async #end(): Promise<void> {
    await this.#restarting;
    const child = this.#child;
    if (hasEnded(child)) return;
    const ended = once(child, "exit");
    child.kill("SIGINT"); // fast shutdown: sessions are ended, everything is written
    const timer = setTimeout(() => child.kill("SIGQUIT"), stopPatienceMs); // immediate: recovered at the next start
    await ended;
    clearTimeout(timer);
  }

  #watch(): void {
    const child = this.#child;
    const startAgain = () => {
      if (this.#stopping !== undefined) return;
      const how = child.signalCode ?? `code ${child.exitCode}`;
      this.#options.log(`Postgres ended unexpectedly (${how}), starting it again`);
      this.#restarting = this.#restart();
    };
    if (hasEnded(child)) startAgain();
    else child.once("exit", startAgain);
  }

  async #restart(): Promise<void> {
    this.#restarts += 1;
    try {
      if (this.#restarts > restartAttempts) throw new Error(`it ended ${this.#restarts} times`);
      await endOrphans(this.#options.data, this.#options.log);
      this.#child = await launch(this.#options, this.port);
      this.#options.log(`Postgres runs again on port ${this.port}`);
      this.#watch();
    } catch (error) {
      // Nobody awaits a restart: queries fail from here on, and this says why.
      this.#options.log(`Postgres stays down: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

class PortInUse extends EmbeddedPostgresUnavailable {}

async function launch(options: Start, port: number): Promise<ChildProcess> {
  const logFile = path.join(options.directory, "postgres.log");
  const logSize = (await stat(logFile).catch(() => undefined))?.size ?? 0;
  if (logSize > logLimitBytes) await rename(logFile, `${logFile}.1`);
  const logHandle = await open(logFile, "a", 0o600);
  try {
    const { size: logStart } = await logHandle.stat();
    const args = ["-D", options.data, ...serverSettings(port, options.durable)];
    const command = launchPostgres(options.identity, options.binaries.postgres, args);
    const child = spawn(command.file, command.args, {
      cwd: options.directory,
      stdio: ["ignore", logHandle.fd, logHandle.fd],
      // Its own session: Ctrl-C is for us, who stop it when we no longer need it.
      detached: true,
      env: postgresEnvironment,
    });
    await once(child, "spawn");
    await waitUntilReady(child, options.data, async () => {
      const output = (await readFile(logFile)).subarray(logStart).toString("utf8").trim();
      if (/Address already in use/.test(output)) {
        return new PortInUse(`Port ${port} is in use. Choose another one, or stop what listens on 127.0.0.1:${port}.`);
      }
      return new EmbeddedPostgresUnavailable(
        `Postgres in ${options.directory} does not start:\n${output}\n(${logFile})`,
      );
    });
    return child;
  } finally {
    await logHandle.close();
  }
}

async function waitUntilReady(child: ChildProcess, data: string, failure: () => Promise<Error>): Promise<void> {
  for (let waitedMs = 0; waitedMs < startPatienceMs; waitedMs += pollMs) {
    const postmaster = await readPostmasterFile(data);
    if (postmaster?.pid === child.pid && postmaster?.ready === true) return;
    if (hasEnded(child)) throw await failure();
    await delay(pollMs); // Postgres tells of its readiness only in this file
  }
  child.kill("SIGQUIT");
  throw await failure();
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("A TCP server has a port.");
  return address.port;
}
