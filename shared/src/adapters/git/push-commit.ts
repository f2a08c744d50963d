import type { CommitDraft } from "#shared/ports/code-host.ts";
import { complaint, gitEnvironment, GitFailed, type RunCommand } from "./git-command.ts";
import { importStream } from "./import-stream.ts";
import { remoteOf, type RemoteAccess } from "./remote.ts";
import { runGitScript } from "./work-tree.ts";

/** What the server, or git for it, has against a push. */
export class PushRefused extends Error {
  override readonly name = "PushRefused";
  /** The HTTP status, where the request was refused as a whole; 0 when there was no answer. */
  readonly status: number | undefined;
  constructor(message: string, status: number | undefined) {
    super(message);
    this.status = status;
  }
}

interface Place {
  readonly gitDirectory: string;
  readonly run: RunCommand;
}

const madeRef = "refs/heads/made";

/**
 * Makes the commit that a draft describes, in a repository of our own that has its parent. No work tree, index, filter or
 * attribute is in the way of the contents; making it twice gives the same commit.
 *
 * @throws GitFailed when git does not take the draft, such as a path that reaches for git's own files.
 */
export async function makeCommit(
  { gitDirectory, run }: Place,
  draft: CommitDraft,
): Promise<{ readonly commit: string; readonly tree: string }> {
  const script = `git fast-import --quiet --date-format=raw
exec git rev-parse "$1^{commit}" "$1^{tree}"`;
  const repository = { gitDirectory, workTree: "/nonexistent" };
  const input = importStream(draft, madeRef);
  const { exitCode, stdout, stderr } = await runGitScript(run, repository, script, [madeRef], { input });
  const [commit, tree] = stdout.toString("latin1").trim().split("\n");
  if (exitCode === 0 && commit !== undefined && tree !== undefined) return { commit, tree };
  throw new GitFailed(`Git does not make a commit of the changes: ${complaint(stderr)}`, false);
}

/**
 * Points a branch at a commit if it still points at `from` (undefined: if it does not exist). Git compares with the branch
 * as the server shows it, and the server again when it moves it. Pushing what the branch has already changes nothing.
 *
 * @throws PushRefused with what git and the server said.
 */
export async function pushCommit(
  { gitDirectory, run }: Place,
  push: {
    readonly access: RemoteAccess;
    readonly commit: string;
    readonly branch: string;
    readonly from: string | undefined;
    /** A push that was cut off may have been done all the same. */
    readonly timeoutMs: number;
    readonly operatorEnvironment?: Readonly<Record<string, string>> | undefined;
  },
): Promise<void> {
  const { url, settings, hide } = remoteOf(push.access);
  const ref = `refs/heads/${push.branch}`;
  const lease = `--force-with-lease=${ref}:${push.from ?? ""}`;
  const result = await run({
    argv: ["git", "push", "--porcelain", "--no-progress", lease, "--", url.href, `${push.commit}:${ref}`],
    environment: gitEnvironment({
      repository: { gitDirectory, workTree: "/nonexistent" },
      // Asks the server what it has: it has the base, though most often no branch points at that any more.
      settings: { ...settings, "push.negotiate": "true" },
      operator: push.operatorEnvironment,
    }),
    timeoutMs: push.timeoutMs,
    maxOutputBytes: 1 << 20,
  });
  if (result.exitCode === 0) return;
  if (result.timedOut) throw new PushRefused(`the push took longer than ${push.timeoutMs / 1000} s`, 0);
  // The verdict on the branch is the line that begins with an exclamation mark; why, the server says on the other side.
  const [verdict] = result.stdout.toString("utf8").match(/^!\t.*$/m) ?? [];
  const said = [...serversWords(result.stderr), ...(verdict === undefined ? [] : [verdict.split("\t").at(-1) ?? ""])];
  throw new PushRefused(hide(said.join("; ") || "git said nothing"), statusOf(result.stderr, verdict !== undefined));
}

/** The last of what git and the server complain about; the server fills its lines up with spaces. */
function serversWords(stderr: string): readonly string[] {
  const lines = stderr.split("\n").map((line) => line.replace(/^remote:\s*/, "").trim());
  const telling = lines.filter((line) => line !== "" && !/^(To |error: failed to push some refs)/.test(line));
  return telling.slice(-8);
}

function statusOf(stderr: string, hasVerdict: boolean): number | undefined {
  if (hasVerdict) return undefined;
  const status = /returned error: (\d{3})/.exec(stderr)?.[1];
  if (status !== undefined) return Number(status);
  if (/authentication failed|could not read username/i.test(stderr)) return 401;
  if (/repository .*not found/i.test(stderr)) return 404;
  return 0;
}
