import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { complaint, gitEnvironment, GitFailed, type RunCommand } from "./git-command.ts";
import { remoteOf, type RemoteAccess } from "./remote.ts";

/**
 * Attributes of the repository must not change what we read or write: no line ending conversion, keyword expansion,
 * filter (such as LFS) or re-encoding, no file left out. `info/attributes` outranks every `.gitattributes`.
 */
export const plainAttributes =
  "* -text !eol -ident -filter -working-tree-encoding !diff !merge -export-ignore -export-subst\n";

/** Makes an empty bare repository, without starting git. Its objects may be read by everybody who can reach them. */
export async function createTrustedRepository(gitDirectory: string): Promise<void> {
  for (const name of ["objects", "objects/info", "objects/pack"]) {
    await mkdir(join(gitDirectory, name), { recursive: true });
    // Whatever the umask of this process is.
    await chmod(join(gitDirectory, name), 0o755);
  }
  await Promise.all([
    mkdir(join(gitDirectory, "refs", "heads"), { recursive: true }),
    mkdir(join(gitDirectory, "info"), { recursive: true }),
    writeFile(join(gitDirectory, "HEAD"), "ref: refs/heads/base\n"),
    writeFile(join(gitDirectory, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"),
  ]);
  await writeFile(join(gitDirectory, "info", "attributes"), plainAttributes);
}

/**
 * Fetches one commit, depth 1, by its SHA (protocol version 2 allows that on every server). The token goes to the host of
 * the URL alone, over TLS, or in the clear to this machine.
 *
 * What is fetched already, as commits that refs name, is not sent again.
 *
 * @returns the commit's tree. @throws GitFailed, retryable unless the repository or the commit is gone or the token is refused.
 */
export async function fetchBase(options: {
  readonly gitDirectory: string;
  readonly access: RemoteAccess;
  readonly commit: string;
  readonly timeoutMs: number;
  readonly operatorEnvironment?: Readonly<Record<string, string>> | undefined;
  readonly run: RunCommand;
}): Promise<string> {
  const { url, settings, hide } = remoteOf(options.access);
  if (!/^[0-9a-f]{40}$/.test(options.commit)) {
    throw new GitFailed(`${JSON.stringify(options.commit)} is not a full commit SHA.`, false);
  }
  const result = await options.run({
    argv: ["/bin/sh", "-euc", fetchScript, "sh", url.href, options.commit],
    environment: gitEnvironment({
      repository: { gitDirectory: options.gitDirectory, workTree: "/nonexistent" },
      settings,
      operator: options.operatorEnvironment,
    }),
    timeoutMs: options.timeoutMs,
    maxOutputBytes: 1 << 20,
  });
  if (result.exitCode === 0) return result.stdout.toString("latin1").trim();
  const where = `${url.host}${url.pathname}`;
  if (result.timedOut) {
    throw new GitFailed(`Fetching ${where} took longer than ${options.timeoutMs / 1000} s.`, true);
  }
  const said = hide(complaint(result.stderr));
  if (/not our ref|unadvertised object|couldn't find remote ref/i.test(said)) {
    throw new GitFailed(
      `Commit ${options.commit} is no longer in ${where}, probably after a force push. Preview the campaign again.`,
      false,
    );
  }
  if (/repository .*not found|authentication failed|error: (401|403|404)|returned error: (401|403|404)/i.test(said)) {
    throw new GitFailed(
      `${where} cannot be read: ${said}. Check that the App is still installed on it with read access to contents.`,
      false,
    );
  }
  throw new GitFailed(`Fetching ${where} failed: ${said}`, true);
}

const fetchScript = `umask 022
git fetch --quiet --depth=1 --no-tags --no-write-fetch-head -- "$1" "$2"
exec git rev-parse --verify "$2^{tree}"`;
