import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ApiRefused, type ApiClient } from "./api-client.ts";
import { startSurroundings, type Surroundings } from "./world.ts";

const workerFile = fileURLToPath(new URL("crash-worker.ts", import.meta.url));

const spec = `
version: 1
name: crashing
on: [{ org: acme }]
steps:
  - { run: "echo one > ONE", image: "debian:12" }
pullRequest:
  title: One
  body: One
  labels: [one]
  assignees: [app-owner]
  reviewers: [ana]
`;

/** What an undisturbed run leaves behind, and what every disturbed one must. */
interface Outcome {
  readonly pullRequests: readonly string[];
  readonly branches: readonly string[];
  readonly audited: readonly string[];
}

/** The platform in a process of its own, started again whenever it has died. */
class Worker {
  readonly #surroundings: Surroundings;
  #child: ChildProcess | undefined;
  #api: ApiClient | undefined;
  crashes = 0;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  async start(): Promise<void> {
    const child = fork(workerFile, {
      env: { ...process.env, ...this.#surroundings.environment },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child = child;
    // The worker's own first message.
    const [{ url }] = (await once(child, "message")) as [{ url: string }];
    this.#surroundings.github.setWebhookUrl(`${url}/webhooks/github`);
    this.#api = this.#surroundings.apiAt(url);
  }

  /** From now on effects are counted, and after so many the process dies. */
  async arm(crashAfter: number): Promise<void> {
    this.#child?.send(crashAfter);
    await once(this.#child as ChildProcess, "message");
  }

  /** Asks until it is answered, as a person would: again when the process has died meanwhile. */
  async ask<Answer>(question: (api: ApiClient) => Promise<Answer>): Promise<Answer> {
    for (;;) {
      await this.reviveIfDead();
      try {
        if (this.#api === undefined) throw new Error("the worker was not started");
        return await question(this.#api);
      } catch (error) {
        if (error instanceof ApiRefused) throw error;
        await sleep(10);
      }
    }
  }

  async reviveIfDead(): Promise<void> {
    const child = this.#child;
    if (child === undefined || (child.exitCode === null && child.signalCode === null && child.connected)) return;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    this.crashes += 1;
    await this.start();
  }

  async countEffects(): Promise<number> {
    this.#child?.send("count");
    const [{ effects }] = (await once(this.#child as ChildProcess, "message")) as [{ effects: number }];
    return effects;
  }

  async end(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !child.connected) return;
    child.send("end");
    await once(child, "exit");
  }
}

/** Runs a spec from its application to its pull request. */
async function runSpec(surroundings: Surroundings, worker: Worker, text: string): Promise<void> {
  await worker.ask((api) => api.apply(text));
  await worker.ask((api) => api.preview("crashing"));
  await untilEnded(surroundings, worker);
  await worker.ask((api) => api.publish("crashing"));
  await untilEnded(surroundings, worker);
  await worker.reviveIfDead();
}

/** Runs these specs one after the other; during the last one the process dies after so many effects. */
async function campaign(
  specs: readonly string[],
  crashAfter: number,
): Promise<{ outcome: Outcome; effects: number; crashes: number }> {
  const surroundings = await startSurroundings();
  const { github, stores } = surroundings;
  await github.addOrganization("acme");
  github.addUser("ana");
  await github.addRepository({ owner: "acme", name: "widgets" });
  github.addCollaborator("acme/widgets", "ana");
  const worker = new Worker(surroundings);
  try {
    await worker.start();
    for (const text of specs.slice(0, -1)) await runSpec(surroundings, worker, text);
    await worker.arm(crashAfter);
    await runSpec(surroundings, worker, specs.at(-1) ?? "");
    const effects = await worker.countEffects();
    const entries = await stores.audit.page({ limit: 1000 });
    const refs = await github.repository("acme/widgets").git.refs("refs/heads/");
    const outcome = {
      pullRequests: github
        .pullRequests()
        .map(({ number, title, labels }) => [number, title, [...labels.keys()].join()].join(" ")),
      branches: refs.map(({ name }) => name).toSorted(),
      audited: entries.filter(({ actor }) => actor === "octobatch").map(({ action }) => action),
    };
    return { outcome, effects, crashes: worker.crashes };
  } finally {
    await worker.end();
    await surroundings.close();
  }
}

/** Waits until the tasks table has nothing left to do, reviving the worker when it has died. */
async function untilEnded(surroundings: Surroundings, worker: Worker): Promise<void> {
  const settled = surroundings.settled();
  while ((await Promise.race([settled.then(() => "settled"), sleep(20, "moving")])) === "moving") {
    await worker.reviveIfDead();
  }
}

/** More effects than any campaign has; the message to the worker is JSON, which knows no infinity. */
const never = Number.MAX_SAFE_INTEGER;
const opening = ["branch.moved", "pull-request.opened", "labels.added", "assignees.added", "reviewers.added"];
const second = spec.replace("echo one > ONE", "echo two > ONE").replace("title: One", "title: Two");

test.each([
  { what: "opening a pull request", specs: [spec], audited: opening },
  { what: "updating it", specs: [spec, second], audited: [...opening, "branch.moved", "pull-request.updated"] },
])(
  "kill -9 after any effect of $what, then starting again, ends as an undisturbed run does",
  async (scene) => {
    const { outcome: undisturbed, effects } = await campaign(scene.specs, never);
    expect(undisturbed.pullRequests).toHaveLength(1);
    expect(undisturbed.audited).toEqual(scene.audited);

    // Two at a time: each waits mostly for processes to start.
    const points = Array.from({ length: effects }, (_, index) => index + 1);
    const different: unknown[] = [];
    let crashes = 0;
    const lane = async (): Promise<void> => {
      for (let point = points.shift(); point !== undefined; point = points.shift()) {
        const { outcome, crashes: crashed } = await campaign(scene.specs, point);
        crashes += crashed;
        if (JSON.stringify(outcome) !== JSON.stringify(undisturbed)) different.push({ point, outcome });
      }
    };
    await Promise.all([lane(), lane()]);
    expect(different).toEqual([]);
    // Which effect comes last varies a little, so the last points may never be reached.
    expect(crashes).toBeGreaterThan(effects * 0.8);
  },
  1_800_000,
);
