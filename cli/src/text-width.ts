const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const wide =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u;

/** How many cells of a terminal a line takes; it must hold no control characters. */
export function textWidth(text: string): number {
  let cells = 0;
  for (const { segment } of graphemes.segment(text)) cells += wide.test(segment) ? 2 : 1;
  return cells;
}

/** The text cut to so many cells, with an ellipsis where something was cut. */
export function truncate(text: string, cells: number): string {
  if (textWidth(text) <= cells) return text;
  let kept = "";
  let left = cells - 1;
  for (const { segment } of graphemes.segment(text)) {
    left -= wide.test(segment) ? 2 : 1;
    if (left < 0) break;
    kept += segment;
  }
  return cells > 0 ? `${kept}…` : "";
}

/** The text, filled up with spaces to so many cells. */
export function pad(text: string, cells: number): string {
  return text + " ".repeat(Math.max(0, cells - textWidth(text)));
}
