import { complaint, gitEnvironment, GitFailed, type RunCommand } from "./git-command.ts";

/** Fetches one commit, depth 1, from a repository on this machine. @returns its tree. @throws GitFailed */
export async function fetchFromDisk(options: {
  readonly gitDirectory: string;
  readonly url: URL;
  readonly commit: string;
  readonly timeoutMs: number;
  readonly run: RunCommand;
}): Promise<string> {
  const { url, timeoutMs } = options;
  const result = await options.run({
    argv: ["/bin/sh", "-euc", fetchScript, "sh", url.href, options.commit],
    environment: gitEnvironment({
      repository: { gitDirectory: options.gitDirectory, workTree: "/nonexistent" },
      settings: { "protocol.file.allow": "always" },
    }),
    timeoutMs,
    maxOutputBytes: 1 << 20,
  });
  if (result.exitCode === 0) return result.stdout.toString("latin1").trim();
  if (result.timedOut) throw new GitFailed(`Fetching ${url.pathname} took longer than ${timeoutMs / 1000} s.`, true);
  throw new GitFailed(`Fetching ${url.pathname} failed: ${complaint(result.stderr)}`, true);
}

const fetchScript = `umask 022
git fetch --quiet --depth=1 --no-tags --no-write-fetch-head -- "$1" "$2"
exec git rev-parse --verify "$2^{tree}"`;
