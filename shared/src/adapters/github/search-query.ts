import type { Range, SearchBounds, SearchSlice } from "./search-slices.ts";

/** A search as it can be cut: what it says of creation and size as ranges, and the rest of its words. */
export interface CuttableSearch {
  readonly words: string;
  readonly whole: SearchBounds;
  /** A qualifier of creation or size that the ranges cannot express: such a search stays in one piece. */
  readonly uncuttable?: string;
}

/**
 * Reads the `created:` and `size:` of a search, so that slices lie within them. Those with a time of day, and those that
 * contradict each other, are left in the words.
 * https://docs.github.com/en/search-github/getting-started-with-searching-on-github/understanding-the-search-syntax
 */
export function cuttable(search: string): CuttableSearch {
  const words: string[] = [];
  let created: Range<string> = {};
  let size: Range<number> = {};
  let uncuttable: string | undefined;
  for (const [term] of search.matchAll(/(?:[^\s"]+|"[^"]*")+/g)) {
    const [, name, value = ""] = /^(created|size):(.+)$/i.exec(term) ?? [];
    const days = name?.toLowerCase() === "created" ? rangeOf(value, asDay, shiftedDay) : undefined;
    const sizes = name?.toLowerCase() === "size" ? rangeOf(value, asSize, (size, by) => size + by) : undefined;
    if (days) created = within(created, days);
    else if (sizes) size = within(size, sizes);
    else {
      words.push(term);
      if (name !== undefined) uncuttable = term;
    }
  }
  const isEmpty = isInverted(created) || isInverted(size);
  if (isEmpty) return { words: search, whole: { created: {} }, uncuttable: "a range that holds nothing" };
  const isSized = size.from !== undefined || size.to !== undefined;
  return {
    words: words.join(" "),
    whole: { created, ...(isSized && { size }) },
    ...(uncuttable !== undefined && { uncuttable }),
  };
}

/** The search for a slice, in GitHub's syntax. */
export function sliceQuery({ words, whole }: CuttableSearch, { created, size = whole.size }: SearchSlice): string {
  return [words, qualifier("created", created), size && qualifier("size", size)].filter(Boolean).join(" ");
}

function qualifier(name: string, { from, to }: Range<string | number>): string {
  if (from === undefined) return to === undefined ? "" : `${name}:<=${to}`;
  return to === undefined ? `${name}:>=${from}` : `${name}:${from}..${to}`;
}

/** `a..b`, `*..b`, `a..*`, `>=a`, `>a`, `<=b`, `<b` or one value; undefined when a value is not of the kind. */
function rangeOf<T>(
  text: string,
  parse: (text: string) => T | undefined,
  shift: (value: T, by: number) => T,
): Range<T> | undefined {
  const [, low, high] = /^(.+)\.\.(.+)$/.exec(text) ?? [];
  if (low !== undefined && high !== undefined) {
    const [from, to] = [low, high].map(parse);
    if ((from === undefined && low !== "*") || (to === undefined && high !== "*")) return undefined;
    return { from, to };
  }
  const [, sign = "", bound = ""] = /^(>=|<=|>|<)?(.+)$/.exec(text) ?? [];
  const value = parse(bound);
  if (value === undefined) return undefined;
  switch (sign) {
    case ">=":
      return { from: value };
    case ">":
      return { from: shift(value, 1) };
    case "<=":
      return { to: value };
    case "<":
      return { to: shift(value, -1) };
    default:
      return { from: value, to: value };
  }
}

function asDay(text: string): string | undefined {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined;
}

function shiftedDay(day: string, by: number): string {
  return new Date(Date.parse(day) + by * 86_400_000).toISOString().slice(0, 10);
}

function asSize(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function within<T extends string | number>(a: Range<T>, b: Range<T>): Range<T> {
  const from = a.from === undefined || (b.from !== undefined && b.from > a.from) ? b.from : a.from;
  const to = a.to === undefined || (b.to !== undefined && b.to < a.to) ? b.to : a.to;
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function isInverted<T extends string | number>({ from, to }: Range<T>): boolean {
  return from !== undefined && to !== undefined && from > to;
}
