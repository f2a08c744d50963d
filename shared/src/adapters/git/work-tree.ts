import { complaint, gitEnvironment, GitFailed, type RunCommand, type TrustedRepository } from "./git-command.ts";

/** Laying out and reading a work tree: local work that only a hostile or enormous repository makes slow. */
const localTimeoutMs = 300_000;

/** Runs a fixed `sh` script of git commands: one launch instead of several. Arguments arrive as `$1`, `$2`, … */
export async function runGitScript(
  run: RunCommand,
  repository: TrustedRepository,
  script: string,
  parameters: readonly string[],
  options: { readonly input?: Uint8Array; readonly maxOutputBytes?: number } = {},
): Promise<{ stdout: Buffer; stderr: string; exitCode: number | undefined; outputExceeded: boolean }> {
  const result = await run({
    argv: ["/bin/sh", "-euc", `umask 022\n${script}`, "sh", ...parameters],
    environment: gitEnvironment({ repository }),
    input: options.input,
    timeoutMs: localTimeoutMs,
    maxOutputBytes: options.maxOutputBytes ?? 256 << 20,
  });
  if (result.timedOut) {
    throw new GitFailed(
      `Git took longer than ${localTimeoutMs / 1000} s over the work tree; it may be too large.`,
      false,
    );
  }
  return result;
}

/**
 * Lays out every file of the commit in the work tree, with modes and symlinks, whatever its attributes say. `ready` is
 * a further line of the same script, for what has to be done before strangers may work on it.
 *
 * @throws GitFailed for a tree that cannot be laid out: paths such as `.GIT` or `..`, or more than the disk limit.
 */
export async function layOut(options: {
  readonly repository: TrustedRepository;
  readonly commit: string;
  readonly run: RunCommand;
  readonly ready: { readonly script: string; readonly parameters: readonly string[] };
}): Promise<{ readonly baseTree: string }> {
  const script = `git read-tree --reset -u "$1"
git rev-parse --verify "$1^{tree}"
shift
${options.ready.script}`;
  const parameters = [options.commit, ...options.ready.parameters];
  const { exitCode, stdout, stderr } = await runGitScript(options.run, options.repository, script, parameters);
  if (exitCode === 0) return { baseTree: stdout.toString("latin1").trim() };
  if (/no space left|unable to (write|create) file/i.test(stderr)) {
    const message = `Its files cannot be laid out: ${complaint(stderr)}. They do not fit the sandbox's disk limit: raise it.`;
    throw new GitFailed(message, false);
  }
  throw new GitFailed(`Its files cannot be laid out: ${complaint(stderr)}`, false);
}
