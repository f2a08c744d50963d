import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { App } from "@octokit/app";
import { Octokit } from "@octokit/core";
import { expect, onTestFinished } from "vitest";
import { startGitHub, type LocalGitHub, type LocalGitHubOptions } from "../local-github.ts";
import { gitEnvironment } from "../git/run-git.ts";

const run = promisify(execFile);

export interface Scene {
  readonly github: LocalGitHub;
  readonly app: App;
  /** Speaks as the installation in `acme`. */
  readonly octokit: Octokit;
  readonly directory: string;
  /** Runs a real git, in the scene's directory. @throws with git's stderr in the message */
  readonly git: (...args: readonly string[]) => Promise<string>;
  /** A token of the installation in `acme`, narrowed by `repositories` or `permissions`. */
  readonly token: (scope?: object) => Promise<string>;
  readonly cloneUrl: (token: string, repository?: string) => string;
}

export const one = { owner: "acme", repo: "one" } as const;

/** An organization `acme` with the App installed and a repository `one`. Everything is gone when the test has finished. */
export async function anOrganization(options: Partial<LocalGitHubOptions> = {}): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), "octobatch-github-"));
  const github = await startGitHub({ directory, validate: true, ...options });
  onTestFinished(async () => {
    await github.close();
    await rm(directory, { recursive: true, force: true });
  });
  await github.addOrganization("acme");
  await github.addRepository({
    owner: "acme",
    name: "one",
    files: { "README.md": "hello\n", "src/a.js": "a\n" },
  });
  const app = new App({
    appId: github.app.id,
    privateKey: github.app.privateKey,
    Octokit: Octokit.defaults({ baseUrl: github.apiUrl }),
  });
  const { id } = github.installation("acme");
  return {
    github,
    app,
    octokit: await app.getInstallationOctokit(id),
    directory,
    git: async (...args) =>
      (
        await run("git", ["-c", "user.name=T", "-c", "user.email=t@t", ...args], {
          cwd: directory,
          env: gitEnvironment,
          timeout: 30_000,
        })
      ).stdout,
    token: async (scope = {}) => {
      const route = "POST /app/installations/{installation_id}/access_tokens";
      const { data } = await app.octokit.request(route, { installation_id: id, ...scope });
      return data.token;
    },
    cloneUrl: (token, repository = "acme/one") =>
      `${github.url.replace("//", `//x-access-token:${token}@`)}/${repository}.git`,
  };
}

/** Commits one file over the Git Data API and points a new branch at it; answers the commit. */
export async function aBranch({ octokit }: Scene, branch: string, content = "new\n"): Promise<string> {
  const ref = await octokit.request("GET /repos/{owner}/{repo}/git/ref/{ref}", { ...one, ref: "heads/main" });
  const base = ref.data.object.sha;
  const tree = await octokit.request("POST /repos/{owner}/{repo}/git/trees", {
    ...one,
    base_tree: base,
    tree: [{ path: "new.txt", mode: "100644", type: "blob", content }],
  });
  const commit = await octokit.request("POST /repos/{owner}/{repo}/git/commits", {
    ...one,
    message: "Add new.txt",
    tree: tree.data.sha,
    parents: [base],
  });
  await octokit.request("POST /repos/{owner}/{repo}/git/refs", {
    ...one,
    ref: `refs/heads/${branch}`,
    sha: commit.data.sha,
  });
  return commit.data.sha;
}

/** Opens a pull request from a fresh branch; answers its number. */
export async function aPullRequest(scene: Scene, branch = "change"): Promise<number> {
  await aBranch(scene, branch);
  const { data } = await scene.octokit.request("POST /repos/{owner}/{repo}/pulls", {
    ...one,
    title: "A change",
    head: branch,
    base: "main",
    body: "Why.",
  });
  return data.number;
}

/** What the request is refused with: `422 Reference already exists`. */
export async function refusal(request: Promise<unknown>): Promise<string> {
  const error: unknown = await request.then(
    () => new Error("it was not refused"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error && "status" in error)) throw error;
  return `${String(error.status)} ${error.message.replace(/ - https:.*$/s, "")}`;
}

/** Whatever the test did was as the official description allows it. */
export function expectNoViolations(github: LocalGitHub): void {
  expect(github.violations()).toEqual([]);
}
