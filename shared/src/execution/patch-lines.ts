/** What one section of a patch adds and removes, line by line, without line feeds. */
export interface PatchSection {
  readonly added: SectionLines;
  readonly removed: SectionLines;
}

/** Lines as text: what is no UTF-8, and NUL, is the replacement character. A carriage return is part of its line. */
export interface SectionLines {
  readonly lines: readonly string[];
  /** How many there are in the patch: more than `lines` when it was cut. */
  readonly count: number;
  readonly truncated: boolean;
}

const lineFeed = 0x0a;
const sectionStart = Buffer.from("diff --git ");
const hunkHeader = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/;

/**
 * Reads the added and removed lines of a git patch, a section for each `diff --git` in its order. A hunk's header says how
 * many lines it has, so nothing in a file can be taken for a header. Names are not read: they may be quoted, or missing.
 * https://git-scm.com/docs/diff-format#generate_patch_text_with_p
 *
 * @param keptCharacters How much of a section's added lines is kept, and as much of its removed ones.
 */
export function patchLines(patch: Uint8Array, keptCharacters: number): readonly PatchSection[] {
  const bytes = Buffer.from(patch.buffer, patch.byteOffset, patch.byteLength);
  const sections: { added: LineKeeper; removed: LineKeeper }[] = [];
  let hunk = { added: 0, removed: 0 };
  for (const [start, end] of linesOf(bytes)) {
    const section = sections.at(-1);
    if (section !== undefined && hunk.added + hunk.removed > 0) {
      const mark = String.fromCharCode(bytes[start] ?? 0);
      // `\ No newline at end of file` stands between the lines and counts as none.
      if (mark === "+" || mark === " ") hunk.added -= 1;
      if (mark === "-" || mark === " ") hunk.removed -= 1;
      if (mark === "+") section.added.keep(bytes, start + 1, end);
      if (mark === "-") section.removed.keep(bytes, start + 1, end);
    } else if (bytes.subarray(start, start + sectionStart.length).equals(sectionStart)) {
      sections.push({ added: new LineKeeper(keptCharacters), removed: new LineKeeper(keptCharacters) });
    } else if (bytes[start] === 0x40) {
      const header = hunkHeader.exec(bytes.toString("latin1", start, Math.min(end, start + 100)));
      if (header !== null) hunk = { removed: Number(header[1] ?? 1), added: Number(header[2] ?? 1) };
    }
  }
  return sections;
}

function* linesOf(bytes: Buffer): Generator<readonly [start: number, end: number]> {
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(lineFeed, start);
    const end = found === -1 ? bytes.length : found;
    yield [start, end];
    start = end + 1;
  }
}

/** Keeps lines until they are enough; the one that goes beyond is cut. */
class LineKeeper implements SectionLines {
  readonly lines: string[] = [];
  count = 0;
  truncated = false;
  #room: number;

  constructor(room: number) {
    this.#room = room;
  }

  keep(bytes: Buffer, start: number, end: number): void {
    this.count += 1;
    if (this.#room <= 0) {
      this.truncated = true;
      return;
    }
    // A character of UTF-8 has four bytes at most, so this much is enough to fill the room.
    const text = bytes.toString("utf8", start, Math.min(end, start + 4 * this.#room)).replaceAll("\0", "\uFFFD");
    const kept = text.length > this.#room ? cutAt(text, this.#room) : text;
    if (kept.length < text.length || end - start > 4 * this.#room) this.truncated = true;
    this.lines.push(kept);
    this.#room -= kept.length + 1;
  }
}

/** Never between the two halves of a character. */
function cutAt(text: string, length: number): string {
  const isSplit = /[\uD800-\uDBFF]/.test(text.charAt(length - 1));
  return text.slice(0, isSplit ? length - 1 : length);
}
