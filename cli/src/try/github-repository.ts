import { fetchBase } from "#shared/adapters/git/fetch-base.ts";
import { complaint, gitEnvironment, GitFailed, type RunCommand } from "#shared/adapters/git/git-command.ts";
import type { WayToGit } from "#shared/adapters/git/git-request.ts";
import { remoteOf, type RemoteAccess } from "#shared/adapters/git/remote.ts";
import { createTrustedRepository } from "#shared/adapters/git/trusted-repository.ts";
import { CliError } from "../cli-error.ts";
import { printed, type TriedRepository } from "./tried-repository.ts";

const askTimeoutMs = 60_000;
const fetchTimeoutMs = 600_000;

/**
 * Fetches the newest commit of a repository on GitHub, of its default branch or another one, into a new bare repository. Git
 * alone asks, so a token that may read the contents is enough, and for a public repository none is needed.
 *
 * @throws CliError when it cannot be read, or has no such branch.
 */
export async function takeGitHubRepository(options: {
  /** `owner/name` */
  readonly repository: string;
  readonly branch: string | undefined;
  /** Where people see this GitHub, such as `https://github.com`. */
  readonly webUrl: string;
  readonly token: string | undefined;
  /** Gets the commit; it must not exist. */
  readonly gitDirectory: string;
  readonly run: RunCommand;
  readonly wayToGit: WayToGit;
  /** The same, as git takes it. */
  readonly gitEnvironment: Readonly<Record<string, string>>;
  readonly interrupted: AbortSignal;
}): Promise<TriedRepository> {
  const { repository, gitDirectory, run } = options;
  const access: RemoteAccess = { url: `${options.webUrl}/${repository}.git`, token: options.token };
  createTrustedRepository(gitDirectory);
  const { branch, commit } = await findHead(access, options);
  try {
    await fetchBase({
      gitDirectory,
      access,
      commit,
      timeoutMs: fetchTimeoutMs,
      way: options.wayToGit,
      signal: options.interrupted,
      run,
    });
  } catch (error) {
    if (error instanceof GitFailed) throw unreadable(access, error.message);
    throw error;
  }
  const [owner = "", name = ""] = repository.split("/");
  return { owner, name, branch, commit, notes: [] };
}

interface Head {
  readonly branch: string;
  readonly commit: string;
}

async function findHead(access: RemoteAccess, options: Parameters<typeof takeGitHubRepository>[0]): Promise<Head> {
  const { repository, branch, gitDirectory } = options;
  const remote = remoteOf(access);
  const wanted = branch === undefined ? "HEAD" : `refs/heads/${branch}`;
  const result = await options.run({
    argv: ["git", "ls-remote", "--symref", "--", remote.url.href, wanted],
    environment: gitEnvironment({
      repository: { gitDirectory, workTree: gitDirectory },
      settings: remote.settings,
      operator: options.gitEnvironment,
    }),
    timeoutMs: askTimeoutMs,
    maxOutputBytes: 1 << 20,
  });
  if (result.exitCode !== 0) throw unreadable(access, remote.hide(complaint(result.stderr)));
  const lines = printed(result)
    .split("\n")
    .map((line) => line.split("\t"));
  const [commit] = lines.find(([value = "", name]) => name === wanted && /^[0-9a-f]{40}$/u.test(value)) ?? [];
  const [symbolic] = lines.find(([value = "", name]) => name === "HEAD" && value.startsWith("ref: ")) ?? [];
  if (commit === undefined) throw noBranch(repository, branch);
  return { branch: branch ?? symbolic?.replace("ref: refs/heads/", "") ?? "HEAD", commit };
}

function unreadable({ url, token }: RemoteAccess, said: string): CliError {
  const remedy =
    token === undefined
      ? "Check its name. For a private repository, set GITHUB_TOKEN to a token that may read its contents."
      : "Check its name, and that the token in GITHUB_TOKEN or GH_TOKEN may read its contents.";
  return new CliError("notFound", "unreadable-repository", `${url} cannot be read: ${said}.`, { remedy });
}

function noBranch(repository: string, branch: string | undefined): CliError {
  const message = branch === undefined ? `${repository} has no commit.` : `${repository} has no branch ${branch}.`;
  return new CliError("notFound", "no-branch", message, { remedy: "Name one that it has with --branch." });
}
