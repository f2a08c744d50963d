import type { GitRepository } from "./git-repository.ts";
import { git } from "./run-git.ts";

export interface FileDiff {
  readonly path: string;
  readonly previousPath?: string;
  readonly status: "added" | "removed" | "modified" | "renamed" | "changed";
  readonly additions: number;
  readonly deletions: number;
  /** Of the new side; of the old one when the file was removed. */
  readonly oid: string;
  /** The hunks, absent for a binary file, a pure rename or a change of mode alone. */
  readonly patch?: string;
  readonly isBinary: boolean;
}

export interface DiffStatistics {
  readonly additions: number;
  readonly deletions: number;
  readonly changedFiles: number;
}

/** How much lies between two trees. */
export async function diffStatistics(repository: GitRepository, from: string, to: string): Promise<DiffStatistics> {
  const output = await git(["diff-tree", "-r", "-M", "--numstat", from, to], { directory: repository.directory });
  const lines = output.split("\n").filter((line) => line !== "");
  const sum = (column: 0 | 1): number =>
    lines.reduce((total, line) => total + (Number.parseInt(line.split("\t")[column] ?? "0", 10) || 0), 0);
  return { additions: sum(0), deletions: sum(1), changedFiles: lines.length };
}

/** The files that differ between two trees, with their hunks. */
export async function diffFiles(repository: GitRepository, from: string, to: string): Promise<readonly FileDiff[]> {
  const directory = repository.directory;
  const range = [from, to] as const;
  const [raw, patches] = await Promise.all([
    git(["diff-tree", "-r", "-M", "-z", "--raw", "--no-abbrev", ...range], { directory }),
    git(["diff-tree", "-r", "-M", "-p", "--full-index", ...range], { directory }),
  ]);
  const sections = patches.split(/^(?=diff --git )/m).filter((section) => section !== "");
  let at = 0;
  return parseRaw(raw).map((file) => {
    // A change of type (file to symlink) is written as two sections: a removal and an addition.
    const length = file.status === "changed" ? 2 : 1;
    const section = sections.slice(at, at + length).join("");
    at += length;
    return { ...file, ...readSection(section) };
  });
}

type RawFile = Pick<FileDiff, "path" | "previousPath" | "status" | "oid">;

function parseRaw(raw: string): RawFile[] {
  const fields = raw.split("\0");
  const files: RawFile[] = [];
  for (let at = 0; fields[at]?.startsWith(":") === true;) {
    const [, , before = "", after = "", letter = ""] = (fields[at] ?? "").slice(1).split(" ");
    const isRename = letter.startsWith("R") || letter.startsWith("C");
    const first = fields[at + 1] ?? "";
    const path = isRename ? (fields[at + 2] ?? "") : first;
    const status = statusOf(letter);
    files.push({
      path,
      status,
      oid: status === "removed" ? before : after,
      ...(isRename ? { previousPath: first } : {}),
    });
    at += isRename ? 3 : 2;
  }
  return files;
}

function statusOf(letter: string): FileDiff["status"] {
  const statuses: Record<string, FileDiff["status"]> = {
    A: "added",
    D: "removed",
    M: "modified",
    R: "renamed",
    C: "added",
  };
  return statuses[letter.charAt(0)] ?? "changed";
}

function readSection(section: string): Pick<FileDiff, "additions" | "deletions" | "patch" | "isBinary"> {
  const start = section.search(/^@@ /m);
  const isBinary = /^(?:Binary files |GIT binary patch)/m.test(start === -1 ? section : section.slice(0, start));
  if (start === -1) return { additions: 0, deletions: 0, isBinary };
  const patch = section.slice(start).replace(/\n$/, "");
  const lines = patch.split("\n");
  return {
    additions: lines.filter((line) => line.startsWith("+")).length,
    deletions: lines.filter((line) => line.startsWith("-")).length,
    patch,
    isBinary,
  };
}
