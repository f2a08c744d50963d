/** A heredoc whose body is still to come. */
export interface Heredoc {
  readonly delimiter: string;
  /** A part of the delimiter is quoted: the shell expands nothing in the body. */
  readonly quoted: boolean;
  /** `<<-`: tabs at the beginning of lines do not count. */
  readonly stripsTabs: boolean;
  /** Behind the delimiter. */
  readonly end: number;
}

/** Where lines with a certain text begin. */
export interface LineIndex {
  readonly offsets: ReadonlyMap<string, readonly number[]>;
  /** By the text without the tabs at its beginning. */
  readonly offsetsWithoutTabs: ReadonlyMap<string, readonly number[]>;
  readonly lengths: ReadonlyMap<number, number>;
}

/** Looked up often, so made once: otherwise a script of many heredocs would be read as often as it has some. */
export function linesOf(script: string): LineIndex {
  const offsets = new Map<string, number[]>();
  const offsetsWithoutTabs = new Map<string, number[]>();
  const lengths = new Map<number, number>();
  let start = 0;
  for (const line of script.split("\n")) {
    append(offsets, line, start);
    append(offsetsWithoutTabs, line.replace(/^\t+/, ""), start);
    lengths.set(start, line.length);
    start += line.length + 1;
  }
  return { offsets, offsetsWithoutTabs, lengths };
}

/** Reads `<<EOF`, `<<-'EOF'` and the like at `at`; undefined when no delimiter follows. */
export function readDelimiter(script: string, at: number): Heredoc | undefined {
  const [found, dash, word = ""] =
    /<<(-?)[ \t]*((?:'[^'\n]*'|"[^"\n]*"|\\.|[^\s;&|<>()'"\\`])+)/y.exec(script.slice(at, at + 300)) ?? [];
  if (found === undefined) return undefined;
  const delimiter = word.replaceAll(/['"\\]/g, "");
  return { delimiter, quoted: delimiter !== word, stripsTabs: dash === "-", end: at + found.length };
}

/**
 * Where the bodies of heredocs are that begin at `start`, one after the other. What has no end is no heredoc but
 * something else with `<<` in it, and is left out.
 */
export function findHeredocs(
  lines: LineIndex,
  heredocs: readonly Heredoc[],
  start: number,
): readonly { readonly start: number; readonly bodyEnd: number; readonly next: number; readonly quoted: boolean }[] {
  let at = start;
  return heredocs.flatMap(({ delimiter, quoted, stripsTabs }) => {
    const candidates = (stripsTabs ? lines.offsetsWithoutTabs : lines.offsets).get(delimiter) ?? [];
    const bodyEnd = candidates.find((offset) => offset >= at);
    if (bodyEnd === undefined) return [];
    const body = { start: at, bodyEnd, next: bodyEnd + (lines.lengths.get(bodyEnd) ?? 0), quoted };
    at = body.next + 1;
    return [body];
  });
}

function append(index: Map<string, number[]>, line: string, offset: number): void {
  const offsets = index.get(line);
  if (offsets === undefined) index.set(line, [offset]);
  else offsets.push(offset);
}
