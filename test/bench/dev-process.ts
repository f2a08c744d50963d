import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { createApiClient, type ApiClient } from "../e2e/api-client.ts";
import type { LocalGitHub } from "../github/local-github.ts";

const main = fileURLToPath(new URL("../../cli/src/main.ts", import.meta.url));
const connection = z.object({ url: z.string(), token: z.string() });

/** `octobatch dev` in a process of its own, with nothing in its database and its caches. */
export interface DevProcess {
  readonly api: ApiClient;
  /** Where it keeps patches, logs and results. */
  readonly blobDirectory: string;
  /** Ends it and removes all that it kept. */
  close(): Promise<void>;
}

/** @throws Error when it does not start; its own words are on standard error. */
export async function startDevProcess(options: {
  readonly github: LocalGitHub;
  /** Where its API is reached. */
  readonly apiUrl: string;
  readonly directory: string;
  readonly settings: Readonly<Record<string, string>>;
}): Promise<DevProcess> {
  const { github, apiUrl, directory, settings } = options;
  await mkdir(directory, { recursive: true });
  const privateKey = join(directory, "app.pem");
  await writeFile(privateKey, github.app.privateKey, { mode: 0o600 });
  const data = join(directory, "data");
  const address = ["--data", data, "--port", "0", "--github-url", apiUrl];
  const app = ["--app-id", String(github.app.id), "--private-key", privateKey];
  const child = spawn(
    process.execPath,
    [main, "dev", ...address, ...app, "--webhook-secret", github.app.webhookSecret],
    { env: { ...process.env, DATABASE_URL: "", ...settings }, stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = once(child, "exit");
  const close = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
    await rm(directory, { recursive: true, force: true });
  };
  let isReady = false;
  for await (const chunk of child.stdout) {
    isReady = String(chunk).includes("Octobatch runs at");
    if (isReady) break;
  }
  if (!isReady) {
    await close();
    throw new Error("`octobatch dev` ended before it was ready.");
  }
  const { url, token } = connection.parse(JSON.parse(await readFile(join(data, "connection.json"), "utf8")));
  return { api: createApiClient(url, token), blobDirectory: join(data, "blobs"), close };
}
