import { spawn } from "node:child_process";

/**
 * The environment of every git this local GitHub starts: nothing of the person's own configuration, and repositories
 * that another user owns are accepted (they are ours, but a test may run as root over files of somebody else).
 */
export const gitEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
  HOME: "/nonexistent",
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_CONFIG_COUNT: "2",
  GIT_CONFIG_KEY_0: "safe.directory",
  GIT_CONFIG_VALUE_0: "*",
  GIT_CONFIG_KEY_1: "core.quotePath",
  GIT_CONFIG_VALUE_1: "false",
};

export interface GitOutcome {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

interface GitRun {
  readonly directory: string;
  readonly input?: string | Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs git and answers its outcome, whatever its exit status. @throws GitFailed when git cannot be started. */
export async function runGit(args: readonly string[], run: GitRun): Promise<GitOutcome> {
  const child = spawn("git", [...args], { cwd: run.directory, env: { ...gitEnvironment, ...run.environment } });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // git may end without reading its input (EPIPE); its exit status and stderr then say why.
  child.stdin.on("error", () => undefined);
  child.stdin.end(run.input);
  const status = await new Promise<number>((resolve, reject) => {
    child.once("error", (error) =>
      reject(new GitFailed(`git could not be started: ${error.message}`, { cause: error })),
    );
    child.once("close", (code) => resolve(code ?? 128));
  });
  return { status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString("utf8") };
}

/** Runs git and answers its standard output. @throws GitFailed with git's own words when it exits other than 0. */
export async function git(args: readonly string[], run: GitRun): Promise<string> {
  const outcome = await runGit(args, run);
  if (outcome.status !== 0) {
    throw new GitFailed(
      `git ${args.join(" ")} in ${run.directory} exited with ${outcome.status}: ${outcome.stderr.trim()}`,
    );
  }
  return outcome.stdout.toString("utf8");
}

export class GitFailed extends Error {
  override readonly name = "GitFailed";
}
