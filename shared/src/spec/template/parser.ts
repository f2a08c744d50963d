import type { TextFinding } from "../finding.ts";
import { specLimits } from "../limits.ts";
import { helpers } from "./helpers.ts";
import { Lexer, type Token } from "./lexer.ts";
import { TemplateSyntaxError, type Expression, type TemplatePart } from "./syntax.ts";

/**
 * Cuts a text into plain parts and expressions. Whatever stands outside of `${{ }}` is plain, so that `$`, `{{` and `}}`
 * need no escape; a literal `${{` is written as `${{ "${{" }}`.
 */
export function parseTemplate(text: string): {
  readonly parts: readonly TemplatePart[];
  readonly findings: readonly TextFinding[];
} {
  const parts: TemplatePart[] = [];
  const findings: TextFinding[] = [];
  let at = 0;
  for (let count = 0; ; count += 1) {
    const start = text.indexOf("${{", at);
    if (start !== at) parts.push({ kind: "text", text: text.slice(at, start === -1 ? text.length : start) });
    if (start === -1) return { parts, findings };
    if (count === specLimits.expressionsPerText) {
      const message = `there are more than ${specLimits.expressionsPerText} expressions`;
      return { parts, findings: [...findings, { offset: start, message }] };
    }
    try {
      const { expression, end } = new Parser(text, start).parse();
      parts.push({ kind: "expression", expression, start, end });
      at = end;
    } catch (error) {
      if (!(error instanceof TemplateSyntaxError)) throw error;
      findings.push(error.finding);
      const end = text.indexOf("}}", start);
      if (end === -1) return { parts, findings };
      at = end + 2;
    }
  }
}

/** A reader for `or := and ("||" and)*` and so on, down to literals, variables and calls. */
class Parser {
  readonly #lexer: Lexer;
  readonly #start: number;
  #token: Token;
  #depth = 0;

  constructor(text: string, start: number) {
    this.#start = start;
    this.#lexer = new Lexer(text, start + 3);
    this.#token = this.#lexer.next();
  }

  parse(): { readonly expression: Expression; readonly end: number } {
    if (this.#endsHere()) throw new TemplateSyntaxError(this.#start, "the expression is empty");
    const expression = this.#or();
    if (!this.#endsHere()) throw this.#unexpected(expression);
    const end = this.#token.offset + 2;
    if (end - this.#start > specLimits.expressionCharacters) {
      throw new TemplateSyntaxError(
        this.#start,
        `the expression is longer than ${specLimits.expressionCharacters} characters`,
        "do the work in a step",
      );
    }
    return { expression, end };
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#is("||"))
      left = { kind: "logic", operator: "||", offset: this.#take().offset, left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#comparison();
    while (this.#is("&&")) {
      left = { kind: "logic", operator: "&&", offset: this.#take().offset, left, right: this.#comparison() };
    }
    return left;
  }

  #comparison(): Expression {
    const left = this.#operand();
    const operator = this.#token.value;
    if (this.#token.kind !== "mark" || (operator !== "==" && operator !== "!=")) return left;
    return { kind: "compare", operator, offset: this.#take().offset, left, right: this.#operand() };
  }

  #operand(): Expression {
    this.#depth += 1;
    if (this.#depth > specLimits.expressionNesting) {
      throw new TemplateSyntaxError(
        this.#token.offset,
        `expressions are nested more than ${specLimits.expressionNesting} deep`,
      );
    }
    try {
      return this.#nested();
    } finally {
      this.#depth -= 1;
    }
  }

  #nested(): Expression {
    const { kind, value, offset } = this.#token;
    if (this.#is("!")) {
      this.#take();
      return { kind: "not", operand: this.#operand(), offset };
    }
    if (this.#is("(")) {
      this.#take();
      const inner = this.#or();
      this.#expect(")");
      return inner;
    }
    if (kind === "end") throw new TemplateSyntaxError(offset, "the expression ends too early");
    if (kind === "mark") throw this.#unexpected();
    this.#take();
    if (kind === "text") return { kind: "literal", value, offset };
    if (kind === "number") return { kind: "literal", value: Number(value), offset };
    if (value === "true" || value === "false") return { kind: "literal", value: value === "true", offset };
    return this.#is("(") ? this.#call(value, offset) : this.#variable(value, offset);
  }

  #call(helper: string, offset: number): Expression {
    const operands: Expression[] = [];
    this.#take();
    while (!this.#is(")")) {
      if (operands.length > 0) this.#expect(",");
      operands.push(this.#or());
    }
    this.#take();
    return { kind: "call", helper, operands, offset };
  }

  #variable(root: string, offset: number): Expression {
    const path = [root];
    while (this.#is(".")) {
      this.#take();
      if (this.#token.kind !== "name" && this.#token.kind !== "number") {
        throw new TemplateSyntaxError(this.#token.offset, "after a dot there has to be a name");
      }
      path.push(this.#take().value);
    }
    return { kind: "variable", path, offset };
  }

  #endsHere(): boolean {
    return this.#token.kind === "end";
  }

  #is(mark: string): boolean {
    return this.#token.kind === "mark" && this.#token.value === mark;
  }

  #take(): Token {
    const taken = this.#token;
    if (taken.kind !== "end") this.#token = this.#lexer.next();
    return taken;
  }

  #expect(mark: string): void {
    if (!this.#is(mark)) throw this.#unexpected();
    this.#take();
  }

  /** Templates in Go's style, where operands just follow the helper, are what people may bring along. */
  #unexpected(before?: Expression): TemplateSyntaxError {
    const { kind, offset, value } = this.#token;
    const helper = before?.kind === "variable" && before.path.length === 1 ? before.path[0] : undefined;
    const remedy = helper !== undefined && Object.hasOwn(helpers, helper) ? `call it as ${helper}(…, …)` : undefined;
    const what = kind === "end" ? "the expression ends too early" : `${JSON.stringify(value)} is not expected here`;
    return new TemplateSyntaxError(offset, what, remedy);
  }
}
