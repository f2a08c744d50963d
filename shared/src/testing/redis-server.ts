import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "./free-port.ts";
import { killProcess } from "./kill-process.ts";

/** A Redis of one test file that keeps nothing on disk. */
export interface TestRedis {
  readonly url: string;
  /** Kills it where it stands. Connections are reset; everything it knew is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port, empty. */
  restart(): Promise<void>;
  /** Kills it and removes its directory. Stopping twice is safe. */
  stop(): Promise<void>;
}

/**
 * Why tests cannot have a Redis here, or undefined when they can.
 * @throws Error when CI=true, where a missing part is a failure, not a reason to skip.
 */
export function redisMissing(): string | undefined {
  const { error } = spawnSync("redis-server", ["--version"], { stdio: "ignore" });
  if (error === undefined) return undefined;
  const reason = "no redis-server on the PATH: install your system's redis-server package";
  if (process.env["CI"] === "true") throw new Error(reason);
  return reason;
}

export async function startRedis(): Promise<TestRedis> {
  const directory = await mkdtemp(path.join(tmpdir(), "octobatch-redis-"));
  const port = await freePort();
  let server: ChildProcess | undefined;
  const kill = async () => {
    const dying = server;
    server = undefined;
    await killProcess(dying);
  };
  const start = async () => {
    server = await launch(directory, port);
  };
  const stop = async () => {
    await kill();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `redis://127.0.0.1:${port}`, kill, stop, restart: () => kill().then(start) };
}

async function launch(directory: string, port: number): Promise<ChildProcess> {
  const settings = { port, bind: "127.0.0.1", dir: directory, save: "", appendonly: "no", loglevel: "notice" };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const server = spawn("redis-server", args, { stdio: ["ignore", "pipe", "ignore"] });
  const seen: string[] = [];
  for await (const line of createInterface({ input: server.stdout })) {
    seen.push(line);
    if (!line.includes("Ready to accept connections")) continue;
    server.stdout.resume();
    return server;
  }
  throw new Error(`redis-server did not start:\n${seen.join("\n")}`);
}
