import type { FileChange } from "#shared/ports/code-host.ts";
import type { FileStatistics, PatchStatistics } from "#shared/execution/transform-result.ts";
import { complaint, GitFailed, type RunCommand, type TrustedRepository } from "./git-command.ts";
import { parseDiff, type DiffEntry } from "./parse-diff.ts";
import { runGitScript } from "./work-tree.ts";

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

/**
 * Everything that differs from the base, by a git directory the steps could not touch: their `.git`, hooks, filters,
 * attributes and configuration count for nothing. Symlinks are not followed; ignored files are left out as the
 * repository's own `.gitignore` files say.
 *
 * @throws GitFailed when the work tree cannot be read.
 */
export async function collectChanges(options: {
  readonly repository: TrustedRepository;
  readonly commit: string;
  readonly baseTree: string;
  readonly patchBytes: number;
  readonly run: RunCommand;
}): Promise<CollectedChanges> {
  const staged = await stageChanges(options);
  if (staged.kind === "nested-repository") return staged;
  const { tree, entries } = staged;
  if (tree === options.baseTree || entries.length === 0) return { kind: "no-change" };

  const [patch, contents] = await Promise.all([
    runGitScript(
      options.run,
      options.repository,
      `exec git diff-index --cached -p --binary --full-index -M --no-textconv --no-ext-diff --no-color "$1"`,
      [options.commit],
      { maxOutputBytes: options.patchBytes },
    ),
    readBlobs(
      options,
      entries.filter((entry) => entry.change !== "deleted").map((entry) => entry.blob),
    ),
  ]);
  if (patch.outputExceeded) return { kind: "patch-too-large" };
  if (patch.exitCode !== 0) throw new GitFailed(`The patch could not be made: ${complaint(patch.stderr)}`, false);

  const files = entries.map(statisticsOf);
  return {
    kind: "patch",
    tree,
    patch: patch.stdout,
    statistics: {
      files,
      filesChanged: files.length,
      additions: files.reduce((sum, file) => sum + file.additions, 0),
      deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    },
    changes: entries.flatMap((entry) => changesOf(entry, contents)),
  };
}

/** Which files differ from the base now; what templates call modified, added, deleted and renamed files. */
export async function stageChanges(options: {
  readonly repository: TrustedRepository;
  readonly commit: string;
  readonly baseTree: string;
  readonly run: RunCommand;
}): Promise<
  | { readonly kind: "staged"; readonly tree: string; readonly entries: readonly DiffEntry[] }
  | { readonly kind: "nested-repository"; readonly paths: readonly string[] }
> {
  // Files below a submodule's path are invisible to `git add`, so they are looked for by hand.
  const script = `
git add --all
tree=$(git write-tree)
echo "$tree"
[ "$tree" = "$2" ] || git diff-index --cached --raw --numstat -M -z --full-index --no-textconv --no-ext-diff "$1"
printf '\\0'
git ls-files --stage -z | { grep -z '^${gitlink} ' || true; }`;
  const parameters = [options.commit, options.baseTree];
  const { exitCode, stdout, stderr } = await runGitScript(options.run, options.repository, script, parameters);
  if (exitCode !== 0) {
    const nested = /'?([^'\n]+?)\/?' does not have a commit checked out/.exec(stderr)?.[1];
    if (nested !== undefined) return { kind: "nested-repository", paths: [nested] };
    throw new GitFailed(`The changed files could not be read: ${complaint(stderr)}`, false);
  }
  const { tree, entries, gitlinks } = parseDiff(stdout);
  const added = entries.filter((entry) => entry.mode === gitlink).map((entry) => entry.path);
  const filled = await filledSubmodules(options, gitlinks);
  const paths = [...new Set([...added, ...filled])];
  return paths.length > 0 ? { kind: "nested-repository", paths } : { kind: "staged", tree, entries };
}

async function filledSubmodules(
  options: { readonly repository: TrustedRepository; readonly run: RunCommand },
  gitlinks: readonly Buffer[],
): Promise<string[]> {
  if (gitlinks.length === 0) return [];
  const input = Buffer.concat(gitlinks.flatMap((path) => [path, Buffer.from([0])]));
  // Not followed: a symlink in a submodule's place is a change of type, which the diff shows.
  const script = `cd -- "$GIT_WORK_TREE"
xargs -0 sh -c 'for path; do if [ ! -L "$path" ] && [ -d "$path" ] && [ -n "$(ls -A -- "$path")" ]; then printf "%s\\n" "$path"; fi; done' sh`;
  const { stdout } = await runGitScript(options.run, options.repository, script, [], { input });
  return stdout.toString("utf8").split("\n").filter(Boolean);
}

/** All but the SHA of the content. */
function statisticsOf({ blob: _blob, ...file }: DiffEntry): FileStatistics {
  return file;
}

/** `cat-file --batch` answers `<sha> <type> <size>\n<bytes>\n` for each name it is given. */
async function readBlobs(
  options: { readonly repository: TrustedRepository; readonly run: RunCommand },
  blobs: readonly string[],
): Promise<ReadonlyMap<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  const wanted = [...new Set(blobs)];
  if (wanted.length === 0) return contents;
  const input = Buffer.from(wanted.map((blob) => `${blob}\n`).join(""));
  const { stdout, exitCode, stderr, outputExceeded } = await runGitScript(
    options.run,
    options.repository,
    "exec git cat-file --batch",
    [],
    { input },
  );
  if (exitCode !== 0 || outputExceeded) {
    throw new GitFailed(
      outputExceeded ? "The changed files together are larger than 256 MiB." : complaint(stderr),
      false,
    );
  }
  let at = 0;
  for (const blob of wanted) {
    const end = stdout.indexOf(0x0a, at);
    const [name, , size] = stdout.toString("latin1", at, end).split(" ");
    if (name !== blob || size === undefined) throw new GitFailed(`Git lost the blob ${blob}.`, true);
    contents.set(blob, stdout.subarray(end + 1, end + 1 + Number(size)));
    at = end + 1 + Number(size) + 1;
  }
  return contents;
}

function changesOf(entry: DiffEntry, contents: ReadonlyMap<string, Buffer>): FileChange[] {
  if (entry.change === "deleted") return [{ kind: "delete", path: entry.path }];
  const content = contents.get(entry.blob);
  if (content === undefined) throw new GitFailed(`Git lost the blob ${entry.blob} of ${entry.path}.`, true);
  if (entry.mode !== "100644" && entry.mode !== "100755" && entry.mode !== "120000") {
    throw new GitFailed(`${entry.path} has the mode ${entry.mode}, which no commit made here can hold.`, false);
  }
  const write: FileChange = { kind: "write", path: entry.path, mode: entry.mode, content: new Uint8Array(content) };
  return entry.change === "renamed" && entry.oldPath !== undefined
    ? [{ kind: "delete", path: entry.oldPath }, write]
    : [write];
}
