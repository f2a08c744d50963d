import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startGitHub, type LocalGitHub } from "../github/local-github.ts";
import { openApiMissing } from "../github/validation/openapi-document.ts";
import { createApiClient, type ApiClient } from "./api-client.ts";

const main = fileURLToPath(new URL("../../cli/src/main.ts", import.meta.url));

const spec = `
version: 1
name: killed
on: [{ org: acme }]
steps: [{ run: "echo on > ON", image: "debian:12" }]
pullRequest: { title: "On", body: "On", labels: ["on"] }
`;
const repositories = 4;

const validate = (await openApiMissing()) === undefined;
let directory: string;
let github: LocalGitHub;
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-dev-"));
  github = await startGitHub({ directory: join(directory, "github"), validate });
  await github.addOrganization("acme");
  for (let number = 1; number <= repositories; number += 1) {
    await github.addRepository({ owner: "acme", name: `repository-${number}` });
  }
  await writeFile(join(directory, "app.pem"), github.app.privateKey);
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  await github.close();
  await rm(directory, { recursive: true, force: true });
});

/** Starts `octobatch dev`, its embedded Postgres and all, as a person would. */
async function startDev(): Promise<{ child: ChildProcess; api: ApiClient }> {
  const data = join(directory, "data");
  const args = ["dev", "--data", data, "--port", "0", "--github-url", github.apiUrl];
  const app = ["--app-id", String(github.app.id), "--private-key", join(directory, "app.pem")];
  const child = spawn(process.execPath, [main, ...args, ...app, "--webhook-secret", github.app.webhookSecret], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  for await (const chunk of child.stdout ?? []) if (String(chunk).includes("Octobatch runs at")) break;
  const connection: unknown = JSON.parse(await readFile(join(data, "connection.json"), "utf8"));
  const { url, token } = connection as { url: string; token: string };
  github.setWebhookUrl(`${url}/webhooks/github`);
  return { child, api: createApiClient(url, token) };
}

/** Kills it, as `kill -9` does, once GitHub has answered so many more requests. */
async function killAfterRequests(child: ChildProcess, count: number): Promise<void> {
  const limit = github.requests.length + count;
  while (github.requests.length < limit) await sleep(1);
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(50);
}

test.each([1, 4, 7])(
  "kill -9 of everything, %i requests into the preview and again into publishing, loses and doubles nothing",
  async (count) => {
    const first = await startDev();
    await first.api.apply(spec);
    await first.api.preview("killed");
    await killAfterRequests(first.child, count);

    const second = await startDev();
    await until(async () => (await second.api.status("killed")).run?.finished === true);
    await second.api.publish("killed");
    await killAfterRequests(second.child, count);

    const third = await startDev();
    await until(async () => (await third.api.status("killed")).standings.open === repositories);
    expect(github.pullRequests()).toHaveLength(repositories);
    const opened = (await third.api.audit()).filter(({ action }) => action === "pull-request.opened");
    expect(opened).toHaveLength(repositories);
    expect(await third.api.verifyAudit()).toMatchObject({ intact: true });
    expect(validate ? github.violations() : []).toEqual([]);
  },
);
