import type { SpecProblem } from "./invalid-spec.ts";

export type SpecPath = readonly (string | number)[];

/** A problem before its place in the text is known. */
export interface Finding {
  readonly path: SpecPath;
  /** The key itself is wrong, or its value. */
  readonly at: "key" | "value";
  /** Where in the text of the value, from 0. */
  readonly textOffset?: number | undefined;
  readonly message: string;
  readonly remedy?: string | undefined;
}

/** A problem inside one text, as its own check sees it. */
export interface TextFinding {
  /** From 0. */
  readonly offset: number;
  readonly message: string;
  readonly remedy?: string | undefined;
}

/** `steps[1].env.KEY`; a key that is no plain word is quoted. */
export function renderPath(path: SpecPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[A-Za-z_][\w-]*$/.test(part)) return `${text}[${JSON.stringify(shorten(part))}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

/** A text for a message: what is wrong with it may be that it is huge. */
export function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}

/** As people read them: from the top of the file down. */
export function inOrder(problems: readonly SpecProblem[]): readonly SpecProblem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
