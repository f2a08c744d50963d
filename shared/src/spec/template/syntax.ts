import type { TextFinding } from "../finding.ts";

/** What stands between `${{` and `}}`. Offsets are those of the whole text, from 0. */
export type Expression =
  | { readonly kind: "literal"; readonly value: string | number | boolean; readonly offset: number }
  | { readonly kind: "variable"; readonly path: readonly string[]; readonly offset: number }
  | {
      readonly kind: "call";
      readonly helper: string;
      readonly operands: readonly Expression[];
      readonly offset: number;
    }
  | { readonly kind: "not"; readonly operand: Expression; readonly offset: number }
  | {
      readonly kind: "compare" | "logic";
      readonly operator: "==" | "!=" | "&&" | "||";
      readonly left: Expression;
      readonly right: Expression;
      readonly offset: number;
    };

export type TemplatePart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "expression"; readonly expression: Expression; readonly start: number; readonly end: number };

/** A text is no template. */
export class TemplateSyntaxError extends Error {
  override readonly name = "TemplateSyntaxError";
  readonly finding: TextFinding;
  constructor(offset: number, message: string, remedy?: string) {
    super(message);
    this.finding = { offset, message, remedy };
  }
}
