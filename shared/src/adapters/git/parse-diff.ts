import type { FileStatistics } from "#shared/execution/transform-result.ts";
import { GitFailed } from "./git-command.ts";
import { pathText } from "./git-path.ts";

/** One changed file, with the SHA of its new content (all zeros when it was deleted) and its name in bytes. */
export interface DiffEntry extends FileStatistics {
  readonly blob: string;
  readonly name: Buffer;
}

/**
 * Reads what one script printed: the tree's SHA on a line, `git ls-files --stage -z` of the submodules, an empty field,
 * `git diff-index --raw --numstat -z`, and the patch after another empty field, if it was asked for.
 */
export function parseDiff(output: Buffer): {
  readonly tree: string;
  readonly entries: DiffEntry[];
  readonly gitlinks: Buffer[];
  readonly patch: Buffer;
} {
  let at = output.indexOf(0x0a) + 1;
  const tree = output.toString("latin1", 0, at - 1);
  const next = (): Buffer => {
    const end = output.indexOf(0, at);
    if (end === -1) throw new GitFailed("Git's list of changes ends in the middle.", true);
    const field = output.subarray(at, end);
    at = end + 1;
    return field;
  };

  const gitlinks: Buffer[] = [];
  for (let field = next(); field.length > 0; field = next()) gitlinks.push(field.subarray(field.indexOf(0x09) + 1));
  const entries: DiffEntry[] = [];
  while (output[at] === 0x3a) entries.push(rawEntry(next().toString("latin1"), next));
  const counts = new Map<string, { additions: number; deletions: number; binary: boolean }>();
  while (at < output.length) {
    const field = next();
    if (field.length === 0) break;
    const { path, ...count } = numstatEntry(field, next);
    counts.set(path, count);
  }
  const counted = entries.map((entry) => Object.assign(entry, counts.get(entry.path)));
  return { tree, entries: counted, gitlinks, patch: output.subarray(at) };
}

/** `:100644 100755 <old sha> <new sha> R087` followed by one path, or two when renamed. */
function rawEntry(header: string, next: () => Buffer): DiffEntry {
  const [oldMode = "", mode = "", , blob = "", status = ""] = header.slice(1).split(" ");
  const first = next();
  const path = pathText(first);
  const base = { oldMode, mode, blob, additions: 0, deletions: 0, binary: false };
  switch (status[0]) {
    case "A":
      return { ...base, path, name: first, change: "added" };
    case "M":
      return { ...base, path, name: first, change: "modified" };
    case "D":
      return { ...base, path, name: first, change: "deleted" };
    case "T":
      return { ...base, path, name: first, change: "type-changed" };
    case "R": {
      const name = next();
      return { ...base, oldPath: path, path: pathText(name), name, change: "renamed" };
    }
    default:
      throw new GitFailed(`Git reports a change of the unknown kind ${JSON.stringify(status)}.`, false);
  }
}

/** `3\t1\tpath`, or `3\t1\t` followed by the old and the new path; `-\t-` for binary. */
function numstatEntry(
  field: Buffer,
  next: () => Buffer,
): { path: string; additions: number; deletions: number; binary: boolean } {
  const first = field.indexOf(0x09);
  const second = field.indexOf(0x09, first + 1);
  const additions = field.toString("latin1", 0, first);
  const deletions = field.toString("latin1", first + 1, second);
  let path = field.subarray(second + 1);
  if (path.length === 0) {
    next();
    path = next();
  }
  const binary = additions === "-";
  return {
    path: pathText(path),
    additions: binary ? 0 : Number(additions),
    deletions: binary ? 0 : Number(deletions),
    binary,
  };
}
