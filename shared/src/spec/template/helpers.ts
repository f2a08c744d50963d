import { compileGlob, globObjection } from "../glob.ts";
import { specLimits } from "../limits.ts";
import type { JsonValue } from "./context.ts";
import { UnrenderableTemplate } from "./unrenderable-template.ts";
import { listOf, textOf } from "./value.ts";

/** `data` is what only shows when a step has run: the value of an output. */
export type ValueType = "text" | "list" | "boolean" | "data";

export interface Helper {
  /** As it is called, for messages and the reference. */
  readonly usage: string;
  readonly operands: readonly ValueType[];
  /** The last operand may be repeated. */
  readonly repeats?: boolean;
  readonly result: ValueType;
  apply(operands: readonly JsonValue[]): JsonValue;
}

/** The entries of a list that are worth having: nobody reads more, and a step can print any number. */
const maxEntries = 100_000;

export const helpers: Readonly<Record<string, Helper>> = {
  join: {
    usage: "join(list, separator)",
    operands: ["list", "text"],
    result: "text",
    apply: ([list = null, separator = null]) => joined(listOf(list), textOf(separator)),
  },
  join_if: {
    usage: "join_if(separator, text, …)",
    operands: ["text", "text"],
    repeats: true,
    result: "text",
    apply: ([separator = null, ...texts]) =>
      joined(
        texts.map(textOf).filter((text) => text !== ""),
        textOf(separator),
      ),
  },
  replace: {
    usage: "replace(text, from, to)",
    operands: ["text", "text", "text"],
    result: "text",
    apply: ([text = null, from = null, to = null]) => {
      // By splitting, since in replaceAll a `$` has a meaning of its own.
      return textOf(from) === "" ? textOf(text) : joined(textOf(text).split(textOf(from)), textOf(to));
    },
  },
  split: {
    usage: "split(text, separator)",
    operands: ["text", "text"],
    result: "list",
    apply: ([text = null, separator = null]) => {
      if (textOf(separator) === "") throw new UnrenderableTemplate("split needs a separator that is not empty");
      const entries = textOf(text).split(textOf(separator), maxEntries + 1);
      if (entries.length > maxEntries) throw new UnrenderableTemplate(`split gives more than ${maxEntries} entries`);
      return entries;
    },
  },
  matches: {
    usage: "matches(text, glob)",
    operands: ["text", "text"],
    result: "boolean",
    apply: ([text = null, pattern = null]) => {
      if (textOf(text).length > specLimits.matchedCharacters) {
        throw new UnrenderableTemplate(`matches takes texts of up to ${specLimits.matchedCharacters} characters`);
      }
      const objection = globObjection(textOf(pattern));
      if (objection !== undefined) throw new UnrenderableTemplate(`the pattern of matches ${objection.message}`);
      return compileGlob(textOf(pattern))(textOf(text));
    },
  },
  contains: {
    usage: "contains(list, text)",
    operands: ["list", "text"],
    result: "boolean",
    apply: ([list = null, text = null]) => listOf(list).includes(textOf(text)),
  },
  trim: {
    usage: "trim(text)",
    operands: ["text"],
    result: "text",
    apply: ([text = null]) => textOf(text).trim(),
  },
};

/** Joins what may come from a program, without letting it grow past what any text may be. */
function joined(pieces: readonly string[], separator: string): string {
  const characters = pieces.reduce((sum, piece) => sum + piece.length + separator.length, 0);
  if (characters > specLimits.textBytes) {
    throw new UnrenderableTemplate(`a text becomes longer than ${specLimits.textBytes} characters`);
  }
  return pieces.join(separator);
}
