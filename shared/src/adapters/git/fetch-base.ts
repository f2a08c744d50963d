import { writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { readFetchAnswer, type HistoryEnds } from "./fetch-answer.ts";
import { failureOf, refusalOf } from "./fetch-failure.ts";
import { fetchFromDisk } from "./fetch-from-disk.ts";
import { fetchRequest, type KnownCommits } from "./fetch-request.ts";
import { treeOfFirstCommit } from "./first-commit.ts";
import {
  complaint,
  gitEnvironment,
  GitFailed,
  type Command,
  type CommandResult,
  type RunCommand,
} from "./git-command.ts";
import { sendGitRequest, straightToGit, type WayToGit } from "./git-request.ts";
import { createPackFile, type PackFile } from "./pack-file.ts";
import { remoteOf, type Remote, type RemoteAccess } from "./remote.ts";

export interface FetchOptions {
  /** Made by `createTrustedRepository`. */
  readonly gitDirectory: string;
  readonly access: RemoteAccess;
  readonly commit: string;
  /** Whose packs are in the repository: what they hold is not sent again. */
  readonly known?: KnownCommits | undefined;
  /** For all that the server does, and for git here again. */
  readonly timeoutMs: number;
  /** A server that sends more is not believed; 8 GiB by default. */
  readonly mostPackBytes?: number;
  readonly way?: WayToGit | undefined;
  readonly signal?: AbortSignal;
  readonly run: RunCommand;
}

const mostPackBytes = 8 * 1024 ** 3;
const answerType = "application/x-git-upload-pack-result";

/** What was sent does not make up the commit, alone or with what was known: the server is at fault, or what was known is. */
export class UnusablePack extends GitFailed {}

/**
 * Fetches one commit, depth 1, by its SHA: one request, and one git that looks through what came. The token goes to the host
 * of the URL alone, over TLS, or in the clear to this machine; no process and no file gets it.
 *
 * What git computed the names of is there as a whole: a server can leave nothing out and put nothing else in its place.
 *
 * @returns the commit's tree. @throws UnusablePack; any other GitFailed, retryable unless the repository or the commit is
 * gone or the token is refused; `signal.reason` when it is given up.
 */
export async function fetchBase(options: FetchOptions): Promise<string> {
  const { gitDirectory, access, commit, known = { commits: [], shallow: [] }, signal } = options;
  const remote = remoteOf(access);
  if (!/^[0-9a-f]{40}$/.test(commit)) throw new GitFailed(`${JSON.stringify(commit)} is not a full commit SHA.`, false);
  if (remote.url.protocol === "file:") return fetchFromDisk({ ...options, url: remote.url });
  const pack = createPackFile(gitDirectory, options.mostPackBytes ?? mostPackBytes);
  try {
    const ends = await receive(options, remote, known, pack);
    writeShallow(gitDirectory, known, ends);
    if (known.commits.length > 0) {
      await indexThinPack(options, pack.close());
      pack.discard();
    } else {
      await indexPack(options, await pack.finish());
    }
    return treeOfFirstCommit(pack.begin, commit) ?? (await askForTree(options));
  } catch (error) {
    pack.discard();
    signal?.throwIfAborted();
    // Without its cause, which may hold what a server made of the token.
    const { message, retryable, status } = failureOf(error, { where: whereOf(remote), commit });
    const Failure = error instanceof UnusablePack ? UnusablePack : GitFailed;
    throw new Failure(remote.hide(message), retryable, { status });
  }
}

function whereOf({ url }: Remote): string {
  return `${url.host}${url.pathname}`;
}

async function receive(
  { commit, timeoutMs, signal, way = straightToGit }: FetchOptions,
  remote: Remote,
  known: KnownCommits,
  pack: PackFile,
): Promise<HistoryEnds> {
  const { url, authorization } = remote;
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  let answer: IncomingMessage | undefined;
  try {
    answer = await sendGitRequest(way, {
      url: new URL(`${url.href}/git-upload-pack`),
      authorization,
      method: "POST",
      type: answerType,
      body: fetchRequest(commit, known),
      signal: either,
    });
    if (answer.statusCode !== 200 || answer.headers["content-type"] !== answerType) {
      throw await refusalOf(answer, { where: whereOf(remote), commit });
    }
    return await readFetchAnswer(answer, (piece) => pack.add(piece));
  } catch (error) {
    if (!timeout.aborted) throw error;
    throw new GitFailed(`Fetching ${whereOf(remote)} took longer than ${timeoutMs / 1000} s.`, true);
  } finally {
    if (answer?.complete !== true) answer?.destroy();
  }
}

/** Says where history ends here: git takes everything before for missing otherwise. */
function writeShallow(gitDirectory: string, known: KnownCommits, { shallow, unshallow }: HistoryEnds): void {
  const ends = new Set([...known.shallow, ...shallow]);
  for (const commit of unshallow) ends.delete(commit);
  if (ends.size === 0) return;
  writeFileSync(join(gitDirectory, "shallow"), [...ends].map((commit) => `${commit}\n`).join(""));
}

const namingAndFollowing = ["index-pack", "--check-self-contained-and-connected"];

/** Names every object by its contents, and follows every link between them. */
async function indexPack(options: FetchOptions, path: string): Promise<void> {
  const result = await runGit(options, ["git", ...namingAndFollowing, path]);
  if (result.exitCode !== 0) throw unusable(result);
}

/** The same for a pack that refers to what is there already: git writes it once more, with what it refers to. */
async function indexThinPack(options: FetchOptions, path: string): Promise<void> {
  // A pack that cannot be read is told first: some shells end with 1 then, which means something else of git.
  const script = `[ -r "$1" ] || exit 9\numask 022\nexec git ${namingAndFollowing.join(" ")} --stdin --fix-thin <"$1"`;
  const result = await runGit(options, ["/bin/sh", "-euc", script, "sh", path]);
  // It is 1 when everything is there, but some of it was before.
  if (result.exitCode !== 0 && result.exitCode !== 1) throw unusable(result);
}

function unusable({ timedOut, stderr }: CommandResult): GitFailed {
  const what = "What the server sent cannot be used";
  if (timedOut) return new GitFailed(`${what}: git took too long.`, true);
  return new UnusablePack(`${what}: ${complaint(stderr)}.`, true);
}

/** For a server that sends something else first. */
async function askForTree(options: FetchOptions): Promise<string> {
  const { commit } = options;
  const { exitCode, stdout, stderr } = await runGit(options, ["git", "rev-parse", "--verify", `${commit}^{tree}`]);
  if (exitCode === 0) return stdout.toString("latin1").trim();
  throw new UnusablePack(`The server sent something else than commit ${commit}: ${complaint(stderr)}`, true);
}

function runGit({ gitDirectory, timeoutMs, run }: FetchOptions, argv: Command["argv"]): Promise<CommandResult> {
  const environment = gitEnvironment({ repository: { gitDirectory, workTree: "/nonexistent" } });
  return run({ argv, environment, timeoutMs, maxOutputBytes: 1 << 20 });
}
