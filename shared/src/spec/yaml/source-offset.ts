import { Scalar } from "yaml";

/**
 * Where a character of a scalar's text stands in the source: the two are walked side by side, past indentation, folded
 * lines and escapes. Within white space that YAML folds the answer may be some characters off.
 */
export function sourceOffset(scalar: Scalar<string>, source: string, textOffset: number): number {
  const [start = 0, end = start] = scalar.range ?? [];
  const text = scalar.value;
  let at = contentStart(scalar, source, start);
  let offset = 0;
  for (;;) {
    const inSource = whiteSpaceAt(source, at, end);
    if (inSource.includes("\n") || offset === 0) {
      at += inSource.length;
      if (offset >= textOffset && inSource === "") return at;
      offset += whiteSpaceAt(text, offset, textOffset).length;
      if (offset >= textOffset) return at;
    } else if (offset >= textOffset) {
      return at;
    }
    const step = stepOf(scalar, source, at);
    at += step.source;
    offset += step.text;
    if (at >= end) return Math.min(at, end);
  }
}

/** Past the quote, or past the header line of a block. */
function contentStart(scalar: Scalar, source: string, start: number): number {
  switch (scalar.type) {
    case Scalar.BLOCK_FOLDED:
    case Scalar.BLOCK_LITERAL:
      return source.indexOf("\n", start) + 1;
    case Scalar.QUOTE_DOUBLE:
    case Scalar.QUOTE_SINGLE:
      return start + 1;
    default:
      return start;
  }
}

function whiteSpaceAt(text: string, from: number, end: number): string {
  let to = from;
  while (to < end && " \t\r\n".includes(text.charAt(to))) to += 1;
  return text.slice(from, to);
}

/** How many characters the next one takes in the source and in the text. */
function stepOf(scalar: Scalar, source: string, at: number): { readonly source: number; readonly text: number } {
  if (scalar.type === Scalar.QUOTE_SINGLE && source.startsWith("''", at)) return { source: 2, text: 1 };
  if (scalar.type !== Scalar.QUOTE_DOUBLE || source.charAt(at) !== "\\") return { source: 1, text: 1 };
  const escape = source.charAt(at + 1);
  // An escaped line end joins the lines, without the indentation of the second.
  if (escape === "\n" || escape === "\r")
    return { source: 1 + (/\s*/y.exec(source.slice(at + 1))?.[0].length ?? 0), text: 0 };
  if (escape === "x") return { source: 4, text: 1 };
  if (escape === "u") return { source: 6, text: 1 };
  if (escape !== "U") return { source: 2, text: 1 };
  const codePoint = Number.parseInt(source.slice(at + 2, at + 10), 16);
  return { source: 10, text: codePoint > 0xff_ff ? 2 : 1 };
}
