import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { complaint, gitEnvironment, GitFailed, type RunCommand, type TrustedRepository } from "./git-command.ts";

/**
 * Attributes of the repository must not change what we read or write: no line ending conversion, keyword expansion,
 * filter (such as LFS) or re-encoding, no file left out. `info/attributes` outranks every `.gitattributes`.
 */
export const plainAttributes =
  "* -text !eol -ident -filter -working-tree-encoding !diff !merge -export-ignore -export-subst\n";

/** Makes an empty bare repository, without starting git. */
export async function createTrustedRepository(repository: TrustedRepository): Promise<void> {
  const { gitDirectory } = repository;
  await mkdir(join(gitDirectory, "objects", "info"), { recursive: true });
  await Promise.all([
    mkdir(join(gitDirectory, "objects", "pack"), { recursive: true }),
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
 * @throws GitFailed, retryable unless the repository or the commit is gone or the token is refused.
 */
export async function fetchBase(options: {
  readonly repository: TrustedRepository;
  readonly access: { readonly url: string; readonly token: string };
  readonly commit: string;
  readonly timeoutMs: number;
  readonly operatorEnvironment?: Readonly<Record<string, string>> | undefined;
  readonly run: RunCommand;
}): Promise<void> {
  const url = checkedUrl(options.access.url);
  if (!/^[0-9a-f]{40}$/.test(options.commit)) {
    throw new GitFailed(`${JSON.stringify(options.commit)} is not a full commit SHA.`, false);
  }
  const protocol = url.protocol.slice(0, -1);
  const basic = Buffer.from(`x-access-token:${options.access.token}`).toString("base64");
  const result = await options.run({
    argv: [
      "git",
      "fetch",
      "--quiet",
      "--depth=1",
      "--no-tags",
      "--no-write-fetch-head",
      "--",
      url.href,
      options.commit,
    ],
    environment: gitEnvironment({
      repository: options.repository,
      settings: {
        [`protocol.${protocol}.allow`]: "always",
        [`http.${url.origin}/.extraHeader`]: `Authorization: Basic ${basic}`,
        "http.lowSpeedLimit": "1000",
        "http.lowSpeedTime": "60",
      },
      operator: options.operatorEnvironment,
    }),
    timeoutMs: options.timeoutMs,
    maxOutputBytes: 1 << 20,
  });
  if (result.exitCode === 0) return;
  const where = `${url.host}${url.pathname}`;
  if (result.timedOut) {
    throw new GitFailed(`Fetching ${where} took longer than ${options.timeoutMs / 1000} s.`, true);
  }
  const said = complaint(result.stderr).replaceAll(options.access.token, "***").replaceAll(basic, "***");
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

function checkedUrl(text: string): URL {
  const url = new URL(text);
  const loopback = ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && loopback)) {
    throw new GitFailed(`${url.origin} is not HTTPS; a token is sent in the clear only to this machine.`, false);
  }
  if (url.username !== "" || url.password !== "") {
    throw new GitFailed(`The address of ${url.host} must not carry credentials.`, false);
  }
  return url;
}
