import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ApiRefused, type ApiClient } from "./api-client.ts";
import type { Surroundings } from "./world.ts";

const workerFile = fileURLToPath(new URL("crash-worker.ts", import.meta.url));

/** The platform in a process of its own, started again whenever it has died. */
export class MortalWorker {
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
