import type { FileStatistics } from "#shared/execution/transform-result.ts";
import { GitFailed } from "./git-command.ts";
import { pathText } from "./git-path.ts";

/** One changed file, with the SHA of its new content (all zeros when it was deleted). */
export interface DiffEntry extends FileStatistics {
  readonly blob: string;
}

/**
 * Reads what one script printed: the tree's SHA on a line, `git diff-index --raw --numstat -z`, an empty field, and
 * `git ls-files --stage -z` of the submodules.
 */
export function parseDiff(output: Buffer): { tree: string; entries: DiffEntry[]; gitlinks: Buffer[] } {
  const newline = output.indexOf(0x0a);
  const tree = output.toString("latin1", 0, newline);
  const fields = splitFields(output.subarray(newline + 1));
  let at = 0;
  const next = (): Buffer => {
    const field = fields[at];
    if (field === undefined) throw new GitFailed("Git's list of changes ends in the middle.", true);
    at += 1;
    return field;
  };

  const entries: DiffEntry[] = [];
  while (fields[at]?.[0] === 0x3a) entries.push(rawEntry(next().toString("latin1"), next));

  const counts = new Map<string, { additions: number; deletions: number; binary: boolean }>();
  while (at < fields.length && fields[at]?.length !== 0) {
    const { path, ...count } = numstatEntry(next(), next);
    counts.set(path, count);
  }
  at += 1;
  const gitlinks: Buffer[] = [];
  while (at < fields.length) {
    const field = next();
    gitlinks.push(field.subarray(field.indexOf(0x09) + 1));
  }
  const counted = entries.map((entry) => Object.assign(entry, counts.get(entry.path)));
  return { tree, entries: counted, gitlinks };
}

/** `:100644 100755 <old sha> <new sha> R087` followed by one path, or two when renamed. */
function rawEntry(header: string, next: () => Buffer): DiffEntry {
  const [oldMode = "", mode = "", , blob = "", status = ""] = header.slice(1).split(" ");
  const first = pathText(next());
  const base = { oldMode, mode, blob, additions: 0, deletions: 0, binary: false };
  switch (status[0]) {
    case "A":
      return { ...base, path: first, change: "added" };
    case "M":
      return { ...base, path: first, change: "modified" };
    case "D":
      return { ...base, path: first, change: "deleted" };
    case "T":
      return { ...base, path: first, change: "type-changed" };
    case "R":
      return { ...base, oldPath: first, path: pathText(next()), change: "renamed" };
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

function splitFields(bytes: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, start)) {
    fields.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return fields;
}
