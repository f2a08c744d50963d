import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { complaint, programPath, type CommandResult, type RunCommand } from "#shared/adapters/git/git-command.ts";
import { createTrustedRepository } from "#shared/adapters/git/trusted-repository.ts";
import { CliError } from "../cli-error.ts";
import type { Io } from "../io.ts";
import { printed, type TriedRepository } from "./tried-repository.ts";

const timeoutMs = 600_000;

/**
 * Takes the HEAD commit of the git repository that a directory is in, shallow or not, into a new bare repository. The
 * person's own repository is only read.
 *
 * @throws CliError when there is none, or no commit in it, or when GitHub has none of its kind.
 */
export async function takeLocalRepository(options: {
  readonly directory: string;
  /** Gets the commit; it must not exist. */
  readonly gitDirectory: string;
  readonly run: RunCommand;
  readonly env: Io["env"];
}): Promise<TriedRepository> {
  const { directory, gitDirectory, run } = options;
  const git = (...args: readonly string[]): Promise<CommandResult> =>
    run({
      argv: ["git", "-C", directory, ...args],
      environment: ownEnvironment(options.env),
      timeoutMs,
      maxOutputBytes: 64 << 20,
    });
  const ask = async (...args: readonly string[]): Promise<string> => {
    const result = await git(...args);
    if (result.exitCode !== 0) throw noRepository(directory, complaint(result.stderr));
    return printed(result);
  };

  const common = await ask("rev-parse", "--path-format=absolute", "--git-common-dir");
  const head = await git("rev-parse", "--quiet", "--verify", "HEAD^{commit}");
  if (head.exitCode !== 0) throw noCommit(directory);
  const commit = printed(head);
  if (commit.length > 40) throw otherNames(directory);
  createTrustedRepository(gitDirectory);
  const fetch = ["-c", "gc.auto=0", "-c", "maintenance.auto=false", "fetch", "--quiet", "--depth=1", "--no-tags"];
  const from = ["--no-write-fetch-head", "--", pathToFileURL(common).href, commit];
  await ask(`--git-dir=${gitDirectory}`, ...fetch, ...from);

  const branch = await git("symbolic-ref", "--quiet", "--short", "HEAD");
  const origin = await git("config", "--get", "remote.origin.url");
  const top = await git("rev-parse", "--show-toplevel");
  return {
    ...(namedBy(printed(origin)) ?? { owner: "local", name: basename(top.exitCode === 0 ? printed(top) : directory) }),
    // What git calls a HEAD that is on no branch.
    branch: branch.exitCode === 0 ? printed(branch) : "HEAD",
    commit,
    notes: await uncommitted(git),
  };
}

/** The person's own settings hold, since it is their repository; nothing is written on the way, not even an index. */
function ownEnvironment({ PATH, HOME, XDG_CONFIG_HOME }: Io["env"]): Record<string, string> {
  return {
    PATH: PATH ?? programPath,
    ...(HOME !== undefined && { HOME }),
    ...(XDG_CONFIG_HOME !== undefined && { XDG_CONFIG_HOME }),
    GIT_OPTIONAL_LOCKS: "0",
    LC_ALL: "C",
  };
}

/** `owner/name` at the end of an address such as `git@github.com:acme/api.git`. */
function namedBy(url: string): { readonly owner: string; readonly name: string } | undefined {
  const [, owner, name] = /[:/]([\w-]+)\/([\w.-]+?)(?:\.git)?\/?$/u.exec(url) ?? [];
  return owner === undefined || name === undefined ? undefined : { owner, name };
}

async function uncommitted(git: (...args: readonly string[]) => Promise<CommandResult>): Promise<readonly string[]> {
  // A bare repository has no work tree to be asked about.
  const { exitCode, stdout } = await git("status", "--porcelain", "-z", "--no-renames");
  const count = exitCode === 0 ? stdout.filter((byte) => byte === 0).length : 0;
  if (count === 0) return [];
  return [
    `${count} ${count === 1 ? "file has" : "files have"} changes that are not committed: the steps do not see them.`,
  ];
}

function noRepository(directory: string, said: string): CliError {
  return new CliError("usage", "no-repository", `${directory} is no git repository that can be read: ${said}.`, {
    // Git asks this of a repository that belongs to somebody else.
    remedy: said.includes("dubious ownership")
      ? "If you trust it: git config --global --add safe.directory THAT-FOLDER"
      : "Name one with --dir, or one on GitHub with --repo owner/name.",
  });
}

function noCommit(directory: string): CliError {
  return new CliError("usage", "no-commit", `The git repository of ${directory} has no commit.`, {
    remedy: "Commit something first: the steps run on what HEAD is.",
  });
}

/** Git 2.29 and later can name objects by SHA-256: https://git-scm.com/docs/hash-function-transition. */
function otherNames(directory: string): CliError {
  const message = `The git repository of ${directory} names its objects by SHA-256, as no repository on GitHub does.`;
  return new CliError("usage", "sha256-repository", message, {
    remedy: "Copy its files to a repository made with git init --object-format=sha1, and commit them there.",
  });
}
