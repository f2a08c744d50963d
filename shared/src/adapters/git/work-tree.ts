import { join } from "node:path";
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
 * Lays out every file of a tree in the empty work tree, with modes and symlinks, whatever its attributes say. What git knows
 * of them then is in the {@link laidOutIndex}.
 *
 * @throws GitFailed for a tree that cannot be laid out: paths such as `.GIT` or `..`, or more than the disk limit.
 */
export async function layOut(options: {
  readonly repository: TrustedRepository;
  readonly tree: string;
  readonly run: RunCommand;
}): Promise<void> {
  const script = `export GIT_INDEX_FILE="$2"
exec git read-tree --reset -u "$1"`;
  const { repository, tree, run } = options;
  const index = laidOutIndex(repository.gitDirectory);
  const { exitCode, stderr } = await runGitScript(run, repository, script, [tree, index]);
  if (exitCode === 0) return;
  if (/no space left|unable to (write|create) file/i.test(stderr)) {
    const message = `Its files cannot be laid out: ${complaint(stderr)}. They do not fit the sandbox's disk limit: raise it.`;
    throw new GitFailed(message, false);
  }
  throw new GitFailed(`Its files cannot be laid out: ${complaint(stderr)}`, false);
}

/** Git's index of a work tree as it was laid out, which stays as it is. */
export function laidOutIndex(gitDirectory: string): string {
  return join(gitDirectory, "laid-out");
}

/** A tree that has one directory of a commit, in its place, and nothing else. @throws GitFailed when it has none there. */
export async function treeOfWorkspace(options: {
  readonly repository: TrustedRepository;
  readonly commit: string;
  readonly path: string;
  readonly run: RunCommand;
}): Promise<string> {
  const script = `export GIT_INDEX_FILE="$GIT_DIR/workspace"
rm -f -- "$GIT_INDEX_FILE"
git read-tree --prefix="$2/" "$1:$2"
exec git write-tree`;
  return treeBy(options, script, [options.commit, options.path], `it has no directory ${options.path}`);
}

/** The tree of a commit whose directory `path` is replaced by that of another tree. @throws GitFailed */
export async function wholeTree(options: {
  readonly repository: TrustedRepository;
  readonly commit: string;
  readonly path: string;
  readonly tree: string;
  readonly run: RunCommand;
}): Promise<string> {
  const script = `export GIT_INDEX_FILE="$GIT_DIR/whole"
git read-tree "$1"
git rm --cached -r --quiet --force --ignore-unmatch -- "$2"
if git rev-parse --quiet --verify "$3:$2" >/dev/null; then git read-tree --prefix="$2/" "$3:$2"; fi
exec git write-tree`;
  return treeBy(options, script, [options.commit, options.path, options.tree], "its tree cannot be put together");
}

async function treeBy(
  { repository, run }: { readonly repository: TrustedRepository; readonly run: RunCommand },
  script: string,
  parameters: readonly string[],
  complaintOfOurs: string,
): Promise<string> {
  const { exitCode, stdout, stderr } = await runGitScript(run, repository, script, parameters);
  if (exitCode === 0) return stdout.toString("latin1").trim();
  throw new GitFailed(`The workspace cannot be laid out: ${complaintOfOurs}. Git said: ${complaint(stderr)}`, false);
}
