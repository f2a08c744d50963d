import { oneLine, type Paint, type Style } from "./terminal.ts";
import { pad, textWidth, truncate } from "./text-width.ts";

/** What a cell says, and how it looks on a terminal. */
export type Cell = string | { readonly text: string; readonly style: Style };

const gap = 2;
const leastCells = 16;

/**
 * Lines up rows in columns, each as wide as its widest cell. With a `width`, the last column gives way so that a row fits.
 * Cells may hold anything: they are made safe for a terminal here.
 */
export function renderTable(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  options: { readonly paint: Paint; readonly width?: number },
): string {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === "string" ? { text: cell } : cell)));
  const texts = [headings, ...cells.map((row) => row.map(({ text }) => oneLine(text)))];
  const widths = headings.map((_, column) => Math.max(...texts.map((row) => textWidth(row[column] ?? ""))));
  const last = headings.length - 1;
  if (options.width !== undefined) {
    const before = widths.slice(0, last).reduce((sum, width) => sum + width + gap, 0);
    widths[last] = Math.max(leastCells, options.width - before);
  }
  const lines = texts.map((row, number) =>
    row
      .map((text, column) => {
        const width = widths[column] ?? 0;
        const fitted = column === last ? cut(text, options.width && width) : pad(text, width + gap);
        const cell = cells[number - 1]?.[column];
        const style = number === 0 ? "bold" : cell && "style" in cell ? cell.style : undefined;
        return style === undefined ? fitted : options.paint(style, fitted);
      })
      .join("")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

function cut(text: string, cells: number | undefined): string {
  return cells === undefined ? text : truncate(text, cells);
}
