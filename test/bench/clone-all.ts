import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Clones all of them with plain `git clone --depth 1`, so many at once, and answers in how many seconds. The token goes
 * along as the product sends it, so that git is not asked for it first.
 *
 * @throws Error when one cannot be cloned.
 */
export async function cloneAll(options: {
  readonly urls: readonly string[];
  readonly token: string;
  readonly concurrency: number;
  /** For the clones; removed in the end. */
  readonly directory: string;
}): Promise<number> {
  const { urls, token, concurrency, directory } = options;
  await mkdir(directory, { recursive: true });
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  const startedAt = performance.now();
  const command = ["--max-args=2", `--max-procs=${concurrency}`, "git", "clone", "--quiet", "--depth", "1"];
  const child = spawn("xargs", command, {
    env: {
      PATH: process.env["PATH"],
      HOME: directory,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "http.extraHeader",
      GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
    },
    stdio: ["pipe", "inherit", "inherit"],
  });
  const ended = once(child, "exit");
  child.stdin.end(urls.map((url, index) => `${url} ${join(directory, String(index))}\n`).join(""));
  const [code] = await ended;
  const seconds = (performance.now() - startedAt) / 1000;
  await rm(directory, { recursive: true, force: true });
  if (code !== 0) throw new Error(`git clone failed: xargs ended with ${String(code)}.`);
  return seconds;
}
