import { createHash } from "node:crypto";
import { lstatSync, readFileSync, readlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FileChange } from "#shared/ports/code-host.ts";
import type { FileStatistics, PatchStatistics } from "#shared/execution/transform-result.ts";
import { codeOf } from "../error-code.ts";
import { createTurns, FileChanged, readKnownFile } from "../known-file.ts";
import { complaint, GitFailed, type RunCommand, type TrustedRepository } from "./git-command.ts";
import { parseDiff, type DiffEntry } from "./parse-diff.ts";
import { laidOutIndex, runGitScript } from "./work-tree.ts";

/** What became of the work tree. */
export type CollectedChanges =
  | { readonly kind: "no-change" }
  | { readonly kind: "patch-too-large" }
  /** A repository inside the repository, or files in a submodule: no commit of this repository can hold them. */
  | { readonly kind: "nested-repository"; readonly paths: readonly string[] }
  | {
      readonly kind: "patch";
      readonly tree: string;
      readonly patch: Buffer;
      readonly statistics: PatchStatistics;
      readonly changes: readonly FileChange[];
    };

const gitlink = "160000";

/** The work tree as it stands, which was laid out as the base; nobody works in it meanwhile. */
export interface WorkTree {
  readonly repository: TrustedRepository;
  /** A commit or a tree. */
  readonly base: string;
  readonly baseTree: string;
  /** The work tree as this process sees it, and the git directory. */
  readonly fromHere: string;
  readonly gitDirectoryFromHere: string;
  readonly run: RunCommand;
}

/**
 * Everything that differs from the base, by a git directory the steps could not touch: their `.git`, hooks, filters,
 * attributes and configuration count for nothing. Symlinks are not followed; ignored files are left out as the
 * repository's own `.gitignore` files say.
 *
 * @throws GitFailed when the work tree cannot be read.
 */
export async function collectChanges(workTree: WorkTree, patchBytes: number): Promise<CollectedChanges> {
  const staged = await stage(workTree, { patchBytes });
  if (staged.kind !== "staged") return staged;
  const { tree, entries, patch } = staged;
  if (tree === workTree.baseTree || entries.length === 0) return { kind: "no-change" };
  if (patch.length > patchBytes) return { kind: "patch-too-large" };
  const files = entries.map(statisticsOf);
  const changes: FileChange[] = [];
  const turn = createTurns();
  let contentBytes = 0;
  for (const entry of entries) {
    const changed = await changesOf(entry, workTree, mostContentBytes - contentBytes);
    const bytes = changed.reduce((sum, change) => sum + (change.kind === "write" ? change.content.length : 0), 0);
    contentBytes += bytes;
    changes.push(...changed);
    await turn(bytes);
  }
  return {
    kind: "patch",
    tree,
    patch,
    statistics: {
      files,
      filesChanged: files.length,
      additions: files.reduce((sum, file) => sum + file.additions, 0),
      deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    },
    changes,
  };
}

/** Which files differ from the base now; what templates call modified, added, deleted and renamed files. */
export async function stageChanges(
  workTree: WorkTree,
): Promise<Staged | (CollectedChanges & { readonly kind: "nested-repository" })> {
  const staged = await stage(workTree, {});
  if (staged.kind === "patch-too-large") throw new GitFailed("The list of changed files is too long.", false);
  return staged;
}

interface Staged {
  readonly kind: "staged";
  readonly tree: string;
  readonly entries: readonly DiffEntry[];
  readonly patch: Buffer;
}

/** All of it is in memory at once. */
const mostContentBytes = 256 << 20;

/** What git prints besides the patch; longer lists of files are not taken. */
const listBytes = 128 << 20;

async function stage(
  workTree: WorkTree,
  wanted: { readonly patchBytes?: number },
): Promise<Staged | (CollectedChanges & { readonly kind: "nested-repository" | "patch-too-large" })> {
  const { repository, base, baseTree, run } = workTree;
  // Files below a submodule's path are invisible to `git add`, so they are looked for by hand.
  const hasSubmodules = placeIndex(workTree.gitDirectoryFromHere);
  const script = `
git add --all
tree=$(git write-tree)
echo "$tree"
${hasSubmodules ? `git ls-files --stage -z | { grep -z '^${gitlink} ' || true; }` : ""}
printf '\\0'
[ "$tree" = "$2" ] || exec git diff-index --cached --raw --numstat $3 -M -z --full-index --no-textconv --no-ext-diff --no-color "$1"`;
  const format = wanted.patchBytes === undefined ? "" : "--patch --binary";
  const { exitCode, stdout, stderr, outputExceeded } = await runGitScript(
    run,
    repository,
    script,
    [base, baseTree, format],
    { maxOutputBytes: listBytes + (wanted.patchBytes ?? 0) },
  );
  if (outputExceeded) return { kind: "patch-too-large" };
  if (exitCode !== 0) {
    const nested = /'?([^'\n]+?)\/?' does not have a commit checked out/.exec(stderr)?.[1];
    if (nested !== undefined) return { kind: "nested-repository", paths: [nested] };
    throw new GitFailed(`The changed files could not be read: ${complaint(stderr)}`, false);
  }
  const { tree, entries, gitlinks, patch } = parseDiff(stdout);
  const added = entries.filter((entry) => entry.mode === gitlink).map((entry) => entry.path);
  const filled = await filledSubmodules(workTree, gitlinks);
  const paths = [...new Set([...added, ...filled])];
  return paths.length > 0 ? { kind: "nested-repository", paths } : { kind: "staged", tree, entries, patch };
}

/** In an index the mode is four bytes: https://git-scm.com/docs/index-format. */
const gitlinkInIndex = Buffer.from([0, 0, 0xe0, 0]);

/**
 * Makes the index what it was when the work tree was laid out, but for its time, which is before all others. Then git takes
 * nothing to be as it was without looking at its content (https://git-scm.com/docs/racy-git): a file that is written by way
 * of a memory mapping may have the times it had before (tmpfs).
 *
 * @returns false when there is no submodule in it.
 */
function placeIndex(gitDirectory: string): boolean {
  const laidOut = readFileSync(laidOutIndex(gitDirectory));
  const index = join(gitDirectory, "index");
  writeFileSync(index, laidOut);
  utimesSync(index, 1, 1);
  return laidOut.includes(gitlinkInIndex);
}

async function filledSubmodules(
  { repository, run }: Pick<WorkTree, "repository" | "run">,
  gitlinks: readonly Buffer[],
): Promise<string[]> {
  if (gitlinks.length === 0) return [];
  const input = Buffer.concat(gitlinks.flatMap((path) => [path, Buffer.from([0])]));
  // Not followed: a symlink in a submodule's place is a change of type, which the diff shows.
  const script = `cd -- "$GIT_WORK_TREE"
xargs -0 sh -c 'for path; do if [ ! -L "$path" ] && [ -d "$path" ] && [ -n "$(ls -A -- "$path")" ]; then printf "%s\\n" "$path"; fi; done' sh`;
  const { stdout } = await runGitScript(run, repository, script, [], { input });
  return stdout.toString("utf8").split("\n").filter(Boolean);
}

/** All but what is needed to read the content. */
function statisticsOf({ blob: _blob, name: _name, ...file }: DiffEntry): FileStatistics {
  return file;
}

async function changesOf(entry: DiffEntry, workTree: WorkTree, mostBytes: number): Promise<FileChange[]> {
  const { path, mode } = entry;
  if (entry.change === "deleted") return [{ kind: "delete", path }];
  if (mode !== "100644" && mode !== "100755" && mode !== "120000") {
    throw new GitFailed(`${path} has the mode ${mode}, which no commit made here can hold.`, false);
  }
  const content = await readContent(entry, workTree, mostBytes);
  // It is what git took, or nothing: a file that changed meanwhile, or leads elsewhere, has another name in git.
  const header = Buffer.from(`blob ${content.length}\0`);
  if (createHash("sha1").update(header).update(content).digest("hex") !== entry.blob) throw changedMeanwhile(path);
  const write: FileChange = { kind: "write", path, mode, content: new Uint8Array(content) };
  return entry.change === "renamed" && entry.oldPath !== undefined
    ? [{ kind: "delete", path: entry.oldPath }, write]
    : [write];
}

async function readContent(entry: DiffEntry, workTree: WorkTree, mostBytes: number): Promise<Buffer> {
  const place = Buffer.concat([Buffer.from(`${workTree.fromHere}/`), entry.name]);
  try {
    if (entry.mode === "120000") return readlinkSync(place, { encoding: "buffer" });
    const { size } = lstatSync(place);
    if (size > mostBytes) throw tooMuch();
    return await readKnownFile(place, size);
  } catch (error) {
    if (error instanceof FileChanged) throw changedMeanwhile(entry.path);
    if (codeOf(error) !== "EACCES") throw error;
    // A step closed it to us, though not to who is root in there.
    const script = `exec git cat-file blob "$1"`;
    const read = await runGitScript(workTree.run, workTree.repository, script, [entry.blob], {
      maxOutputBytes: mostBytes,
    });
    if (read.outputExceeded) throw tooMuch();
    if (read.exitCode !== 0) throw new GitFailed(`${entry.path} cannot be read: ${complaint(read.stderr)}`, false);
    return read.stdout;
  }
}

function changedMeanwhile(path: string): GitFailed {
  return new GitFailed(`${path} changed while it was read.`, true);
}

function tooMuch(): GitFailed {
  return new GitFailed(`The changed files together are larger than ${mostContentBytes >> 20} MiB.`, false);
}
