import { neutralise, type Paint, type Style } from "./terminal.ts";

const styles: readonly (readonly [prefix: string, style: Style])[] = [
  ["diff --git ", "bold"],
  ["--- ", "bold"],
  ["+++ ", "bold"],
  ["@@ ", "cyan"],
  ["+", "green"],
  ["-", "red"],
];

/**
 * A patch as people read it on a terminal: coloured, and with its control characters shown. Lines inside a hunk are
 * coloured by their first character alone, so a removed `-- comment` is not taken for a heading.
 */
export function renderDiff(patch: string, paint: Paint): string {
  let inHunk = false;
  return patch
    .split("\n")
    .map((line) => {
      if (line.startsWith("diff --git ")) inHunk = false;
      const style = styles.find(([prefix]) => line.startsWith(prefix) && (!inHunk || prefix.length !== 4))?.[1];
      if (line.startsWith("@@ ")) inHunk = true;
      const safe = neutralise(line);
      return style === undefined || safe === "" ? safe : paint(style, safe);
    })
    .join("\n");
}
