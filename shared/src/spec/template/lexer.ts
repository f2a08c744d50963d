import { TemplateSyntaxError } from "./syntax.ts";

export type Token = { readonly offset: number } & (
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "number"; readonly value: string }
  | { readonly kind: "name"; readonly value: string }
  | { readonly kind: "mark"; readonly value: string }
  | { readonly kind: "end"; readonly value: "}}" }
);

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\\": "\\", '"': '"', "'": "'" };

/** Reads the words of one expression, one after the other. */
export class Lexer {
  readonly #source: string;
  #at: number;

  /** @param start just behind `${{` */
  constructor(source: string, start: number) {
    this.#source = source;
    this.#at = start;
  }

  /** @throws TemplateSyntaxError where no word begins. */
  next(): Token {
    this.#take(/\s*/y);
    const offset = this.#at;
    if (offset >= this.#source.length)
      throw new TemplateSyntaxError(offset, "the expression does not end", "close it with }}");
    if (this.#take(/\}\}/y) !== undefined) return { kind: "end", value: "}}", offset };
    const name = this.#take(/[A-Za-z_]\w*/y);
    if (name !== undefined) return { kind: "name", value: name, offset };
    const number = this.#take(/\d{1,15}/y);
    if (number !== undefined) return { kind: "number", value: number, offset };
    const mark = this.#take(/==|!=|&&|\|\||[!(),.]/y);
    if (mark !== undefined) return { kind: "mark", value: mark, offset };
    const quote = this.#source.charAt(offset);
    if (quote === '"' || quote === "'") return { kind: "text", value: this.#text(quote), offset };
    throw new TemplateSyntaxError(offset, `${JSON.stringify(quote)} means nothing in an expression`, hintFor(quote));
  }

  #text(quote: string): string {
    const start = this.#at;
    this.#at += 1;
    let value = "";
    for (;;) {
      value += this.#take(quote === '"' ? /[^"\\\n]*/y : /[^'\\\n]*/y) ?? "";
      const mark = this.#source.charAt(this.#at);
      const escaped = this.#source.charAt(this.#at + 1);
      if (mark === quote) {
        this.#at += 1;
        return value;
      }
      if (mark !== "\\")
        throw new TemplateSyntaxError(start, "the text in quotes does not end", `close it with ${quote}`);
      const character = escapes[escaped];
      if (character === undefined) {
        const message = `\\${escaped} is no escape`;
        throw new TemplateSyntaxError(this.#at, message, String.raw`there is \n, \t, \r, \\, \" and \'`);
      }
      value += character;
      this.#at += 2;
    }
  }

  /** What the sticky expression matches here. */
  #take(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at;
    const [found] = expression.exec(this.#source) ?? [];
    this.#at += found?.length ?? 0;
    return found;
  }
}

function hintFor(character: string): string | undefined {
  if (character === "=") return "compare with ==";
  if (character === "&" || character === "|") return "write && or ||";
  if (character === "[" || character === "]") return "write a field as in outputs.name.field";
  if (character === "-") return "names have no hyphens; quote texts";
  return character === "`" ? 'quote texts with "' : undefined;
}
