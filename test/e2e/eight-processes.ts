import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startLocalBroker } from "#shared/adapters/local-broker/local-broker.ts";
import { readManifests } from "#shared/adapters/local-broker/read-manifests.ts";
import { systemTimers } from "#shared/adapters/local-broker/timers.ts";
import { createLogger } from "#shared/runtime/logger.ts";
import type { GitHubLimits } from "../github/limits/github-limits.ts";
import { createVirtualClock, type VirtualClock } from "../github/virtual-clock.ts";
import type { ApiClient } from "./api-client.ts";
import { passTime } from "./pass-time.ts";
import type { Report, Word } from "./publishing-worker.ts";
import { startSurroundings, type Surroundings } from "./world.ts";

const workerFile = fileURLToPath(new URL("publishing-worker.ts", import.meta.url));
const manifestsDirectory = fileURLToPath(new URL("../../knative", import.meta.url));

/** Several processes behind one broker, over one Postgres, at one GitHub, in one virtual time. */
export interface Processes extends Omit<Surroundings, "settled"> {
  readonly clock: VirtualClock;
  readonly api: ApiClient;
  /**
   * Goes on, moving everybody's clock to whatever is due next, until there is nothing left to do.
   * @throws Error when GitHub refuses a request for a limit
   */
  finished(): Promise<void>;
  /** How many requests each process has made to GitHub. */
  requestsByProcess(): Promise<readonly number[]>;
}

/**
 * Starts them. Windows of a minute and an hour cannot be waited for, so time stands still while anything moves. GitHub's
 * clock is moved first: a process that hears of the new time later believes itself to be earlier, never later.
 */
export async function startProcesses(
  count: number,
  options: { readonly limits: GitHubLimits; readonly environment: Readonly<Record<string, string>> },
): Promise<Processes> {
  const clock = createVirtualClock(new Date("2026-03-02T09:00:00Z"));
  const surroundings = await startSurroundings({ ...options, clock });
  const children: ChildProcess[] = [];
  let ports: readonly number[] = [];
  let turn = 0;
  const broker = await startLocalBroker({
    manifests: await readManifests(manifestsDirectory),
    // Each event to the next process, as a cluster's load balancer may do.
    resolve: (name) => new URL(`http://127.0.0.1:${ports[turn++ % ports.length] ?? 0}/${name}`),
    timers: systemTimers,
    random: Math.random,
    log: createLogger(process.env["OCTOBATCH_TEST_LOG_LEVEL"] ?? "silent"),
  });

  async function close(): Promise<void> {
    // A process that has failed to start is gone already.
    const living = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const gone = living.map((child) => once(child, "exit"));
    for (const child of living) child.send("end" satisfies Word, () => {});
    await Promise.all(gone);
    await broker.close();
    await surroundings.close();
  }

  function start(): Promise<Report> {
    const child = fork(workerFile, {
      env: {
        ...process.env,
        ...surroundings.environment,
        K_SINK: broker.url.href,
        OCTOBATCH_PUBLIC_URL: "http://octobatch.test",
        TEST_NOW_MS: String(clock.now().getTime()),
      },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    children.push(child);
    return reportOf(child);
  }

  /** Tells everybody the time. */
  async function tell(): Promise<readonly Report[]> {
    return Promise.all(
      children.map((child) => {
        const report = reportOf(child);
        child.send({ nowMs: clock.now().getTime() } satisfies Word);
        return report;
      }),
    );
  }

  /** @throws Error when GitHub has refused anything: everybody would wait then, longer each time */
  async function moved(): Promise<void> {
    const [refusal] = surroundings.github.rateRefusals;
    if (refusal !== undefined) throw new Error(`GitHub refused a request for a limit: ${JSON.stringify(refusal)}`);
    await tell();
  }

  try {
    ports = (await Promise.all(Array.from({ length: count }, start))).map(({ port }) => port);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...surroundings,
    clock,
    api: surroundings.apiAt(`http://127.0.0.1:${ports[0] ?? 0}`),
    finished: () => passTime({ ...surroundings, clock, moved }),
    requestsByProcess: async () => (await tell()).map(({ requests }) => requests),
    close,
  };
}

/** The next thing that a process says. @throws Error when it ends instead */
async function reportOf(child: ChildProcess): Promise<Report> {
  const ended = new AbortController();
  const exit = once(child, "exit", { signal: ended.signal }).then(([code]) => {
    throw new Error(`A process ended with ${String(code)} before it had said anything.`);
  });
  try {
    // The worker sends nothing else.
    const [report] = (await Promise.race([once(child, "message", { signal: ended.signal }), exit])) as [Report];
    return report;
  } finally {
    ended.abort();
    exit.catch(() => {});
  }
}
