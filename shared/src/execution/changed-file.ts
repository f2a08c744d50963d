import { patchLines, type PatchSection, type SectionLines } from "./patch-lines.ts";
import type { FileStatistics } from "./transform-result.ts";

/** A file that a patch changes, with the lines that it adds and removes, for people to search. */
export interface ChangedFile extends FileStatistics {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Some of its lines are missing or cut: the patch has all of them. */
  readonly truncated: boolean;
}

/** Nobody searches in the lines of a generated file; what is beyond is in the patch. */
export const changedFileLimits = {
  /** Of a file's added lines, and as many of its removed ones. */
  charactersPerFile: 32 * 1024,
  /** Of all lines of an execution. */
  charactersPerExecution: 256 * 1024,
  /** The other files of an execution are not kept at all. */
  filesPerExecution: 2000,
} as const;

type Limits = Readonly<Record<keyof typeof changedFileLimits, number>>;

/**
 * What a patch changes, file by file. Where not all of it is to be kept, the largest files lose their lines first.
 *
 * @param files As git counted them, in the order of the patch. Of a file for which the patch says something else, no lines
 * are kept.
 */
export function changedFilesOf(
  patch: Uint8Array,
  files: readonly FileStatistics[],
  limits: Limits = changedFileLimits,
): readonly ChangedFile[] {
  const sections = patchLines(patch, limits.charactersPerFile);
  let at = 0;
  const changed = files.map((file) => {
    const mine = sections.slice(at, at + sectionsOf(file));
    at += mine.length;
    return withLines(file, mine);
  });
  if (at !== sections.length) return files.slice(0, limits.filesPerExecution).map((file) => withLines(file, []));
  return fitted(changed.slice(0, limits.filesPerExecution), limits.charactersPerExecution);
}

/** Git shows a file that becomes a symlink, or the other way around, as one that goes and one that comes. */
function sectionsOf(file: FileStatistics): number {
  return file.change === "type-changed" ? 2 : 1;
}

function withLines(file: FileStatistics, sections: readonly PatchSection[]): ChangedFile {
  const added = merged(sections.map((section) => section.added));
  const removed = merged(sections.map((section) => section.removed));
  if (added.count !== file.additions || removed.count !== file.deletions) return withoutLines(file);
  return { ...file, added: added.lines, removed: removed.lines, truncated: added.truncated || removed.truncated };
}

function merged(parts: readonly SectionLines[]): SectionLines {
  return {
    lines: parts.flatMap(({ lines }) => lines),
    count: parts.reduce((sum, { count }) => sum + count, 0),
    truncated: parts.some(({ truncated }) => truncated),
  };
}

function withoutLines(file: FileStatistics): ChangedFile {
  return { ...file, added: [], removed: [], truncated: true };
}

/** Those that fit together, the smallest first, in the order in which they came. */
function fitted(files: readonly ChangedFile[], characters: number): readonly ChangedFile[] {
  const bySize = files.map((file, index) => ({ index, size: sizeOf(file) })).sort((a, b) => a.size - b.size);
  const kept = [...files];
  let room = characters;
  for (const { index, size } of bySize) {
    room -= size;
    const file = kept[index];
    if (room < 0 && size > 0 && file !== undefined) kept[index] = withoutLines(file);
  }
  return kept;
}

function sizeOf({ added, removed }: ChangedFile): number {
  return [...added, ...removed].reduce((sum, line) => sum + line.length + 1, 0);
}
