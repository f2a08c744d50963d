import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ApiRefused, type ApiClient } from "./api-client.ts";
import { outcomeOf, timeless, type TimelessOutcome } from "./outcome.ts";
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

/** More effects than any campaign has; the message to the worker is JSON, which knows no infinity. */
const never = Number.MAX_SAFE_INTEGER;

/** The platform in a process of its own, started again whenever it has died. */
class Worker {
  readonly #surroundings: Surroundings;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #isDead = true;
  #api: ApiClient | undefined;
  crashes = -1;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** Starts it unless it lives. */
  async revive(): Promise<ApiClient> {
    if (this.#api !== undefined && !this.#isDead) return this.#api;
    await this.#exited;
    this.crashes += 1;
    const child = fork(workerFile, {
      env: { ...process.env, ...this.#surroundings.environment },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child = child;
    this.#isDead = false;
    this.#exited = once(child, "exit").then(() => (this.#isDead = true));
    // The worker's own first message.
    const [{ url }] = (await once(child, "message")) as [{ url: string }];
    this.#surroundings.github.setWebhookUrl(`${url}/webhooks/github`);
    this.#api = this.#surroundings.apiAt(url);
    return this.#api;
  }

  /** From now on effects are counted, and after so many the process dies. */
  async arm(crashAfter: number): Promise<void> {
    this.#child?.send(crashAfter);
    await once(this.#child as ChildProcess, "message");
  }

  /** Asks until it is answered, as a person would: again when the process has died meanwhile. */
  async ask<Answer>(question: (api: ApiClient) => Promise<Answer>): Promise<Answer> {
    for (;;) {
      const api = await this.revive();
      try {
        return await question(api);
      } catch (error) {
        if (error instanceof ApiRefused) throw error;
        await sleep(10);
      }
    }
  }

  /** How many effects there were since it was armed, of a process that does not die. */
  async countEffects(): Promise<number> {
    this.#child?.send("count");
    const [{ effects }] = (await once(this.#child as ChildProcess, "message")) as [{ effects: number }];
    return effects;
  }

  async end(): Promise<void> {
    // It may die of its last effect just now; then there is nobody to tell.
    this.#child?.send("end", () => {});
    await this.#exited;
  }
}

/** Runs a spec from its application to its pull request. */
async function runSpec(surroundings: Surroundings, worker: Worker, text: string): Promise<void> {
  await worker.ask((api) => api.apply(text));
  await worker.ask((api) => api.preview("crashing"));
  await untilEnded(surroundings, worker);
  await worker.ask((api) => api.publish("crashing"));
  await untilEnded(surroundings, worker);
}

/** Runs these specs one after the other; during the last one the process dies after so many effects. */
async function campaign(
  specs: readonly string[],
  crashAfter: number,
): Promise<{ outcome: TimelessOutcome; effects: number; crashes: number }> {
  const surroundings = await startSurroundings();
  const { github, stores } = surroundings;
  await github.addOrganization("acme");
  github.addUser("ana");
  await github.addRepository({ owner: "acme", name: "widgets" });
  github.addCollaborator("acme/widgets", "ana");
  const worker = new Worker(surroundings);
  try {
    await worker.revive();
    for (const text of specs.slice(0, -1)) await runSpec(surroundings, worker, text);
    await worker.arm(crashAfter);
    await runSpec(surroundings, worker, specs.at(-1) ?? "");
    const effects = crashAfter === never ? await worker.countEffects() : 0;
    const outcome = timeless(await outcomeOf(github, stores, "crashing"));
    return { outcome, effects, crashes: worker.crashes };
  } finally {
    await worker.end();
    await surroundings.close();
  }
}

const final = new Set(["done", "dead", "cancelled"]);

/** Waits until every task has come to its end, those that are tried again later included, reviving the dead worker. */
async function untilEnded({ stores }: Surroundings, worker: Worker): Promise<void> {
  do {
    await worker.revive();
    await sleep(20);
  } while ((await stores.tasks.counts("crashing")).some(({ state }) => !final.has(state)));
}

const opening = ["branch.moved", "pull-request.opened", "labels.added", "assignees.added", "reviewers.added"];
const updating = ["branch.moved", "pull-request.updated"];
const audited = (version: number, actions: readonly string[]): readonly string[] =>
  actions.map((action) => `acme/widgets v${version} ${action}`);
const second = spec.replace("echo one > ONE", "echo two > ONE").replace("title: One", "title: Two");

test.each([
  { what: "opening a pull request", specs: [spec], audited: audited(1, opening) },
  {
    what: "updating it",
    specs: [spec, second],
    audited: [...audited(1, opening), ...audited(2, updating)],
  },
])(
  "kill -9 after any effect of $what, then starting again, ends as an undisturbed run does",
  async (scene) => {
    const { outcome: undisturbed, effects } = await campaign(scene.specs, never);
    expect(undisturbed.pullRequests).toHaveLength(1);
    expect(undisturbed).toMatchObject({ auditLog: "intact", dead: [] });
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
