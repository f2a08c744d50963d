import { styleText } from "node:util";
import type { Io, Output } from "./io.ts";

/** Marks that reorder or hide text: directional ones, zero-width ones, and the byte order mark. */
// oxlint-disable-next-line no-misleading-character-class -- the marks are listed one by one, none combines here
const invisibles = /[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu;

/**
 * Makes text from elsewhere safe to print on a terminal: what would move the cursor, change colours, set the title or
 * reorder the line is shown instead of obeyed. Newlines and tabs stay.
 */
export function neutralise(text: string): string {
  return text.replaceAll(controls, picture).replaceAll(invisibles, escape);
}

/** {@link neutralise}, on one line: newlines and tabs become spaces. */
export function oneLine(text: string): string {
  return neutralise(text.replaceAll(/\s*[\r\n\t]+\s*/gu, " ").trim());
}

/** A document for scripts: what a terminal would obey is escaped, which changes nothing for who parses it. */
export function renderJson(document: unknown): string {
  const json = JSON.stringify(document, undefined, 2);
  return `${json.replaceAll(/[\u007f-\u009f]/gu, escape).replaceAll(invisibles, escape)}\n`;
}

/** Unicode's pictures of the control characters, U+2400 on; the others have none and are escaped. */
function picture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : escape(character);
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Colours a text, or leaves it as it is where colours are not wanted. */
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_, text) => text;

/** Colours for a terminal that shows them, unless NO_COLOR (https://no-color.org) or --no-color asks for none. */
export function paintFor(output: Output, env: Io["env"], wanted = true): Paint {
  const colours = wanted && output.isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  return colours ? (style, text) => styleText(style, text, { validateStream: false }) : plain;
}
