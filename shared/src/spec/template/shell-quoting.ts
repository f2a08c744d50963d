import type { TextFinding } from "../finding.ts";
import { findHeredocs, linesOf, readDelimiter, type Heredoc, type LineIndex } from "./heredoc.ts";
import type { TemplatePart } from "./syntax.ts";

/** What the scanner is inside of. A shell reads each of them by rules of its own. */
type Context = "script" | "double-quotes" | "command" | "group" | "backticks" | "parameter" | "arithmetic" | "heredoc";

const maxHeredocDepth = 10;

/**
 * Finds the expressions in a script that the shell would not expand, or not as text: each becomes a reference to a
 * variable, which is inert in single quotes, in a heredoc with a quoted delimiter and behind a backslash, and which
 * arithmetic would evaluate.
 *
 * The scanner follows the quoting of POSIX sh, and of `$'…'`
 * (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html). It does not parse commands: where it is
 * misled, as by a `case` inside of `$( )`, a script is judged wrongly, but a value never becomes code, since references
 * are all that is ever put into scripts.
 */
export function quotingFindings(script: string, parts: readonly TemplatePart[]): readonly TextFinding[] {
  const ends = new Map<number, number>();
  for (const part of parts) if (part.kind === "expression") ends.set(part.start, part.end);
  if (ends.size === 0) return [];
  const scanner = new Scanner(script, ends);
  scanner.scan(0, script.length, "script");
  return scanner.findings;
}

class Scanner {
  readonly findings: TextFinding[] = [];
  readonly #script: string;
  /** Where each expression ends, by where it starts. */
  readonly #ends: ReadonlyMap<number, number>;
  readonly #lines: LineIndex;
  #at = 0;

  constructor(script: string, ends: ReadonlyMap<number, number>) {
    this.#script = script;
    this.#ends = ends;
    this.#lines = linesOf(script);
  }

  /** @param depth how many heredocs it is in; more than anybody writes are not looked into */
  scan(start: number, end: number, base: Context, depth = 0): void {
    const contexts: Context[] = [base];
    const heredocs: Heredoc[] = [];
    this.#at = start;
    while (this.#at < end) {
      const context = contexts.at(-1) ?? base;
      const character = this.#script.charAt(this.#at);
      if (this.#ends.has(this.#at)) this.#expression(context);
      else if (character === "\\") this.#escape();
      else if (character === "$") this.#dollar(contexts, context);
      else if (character === "`") this.#toggle(contexts, context, "backticks");
      else if (context === "arithmetic") this.#arithmetic(contexts, character);
      else if (character === '"' && context !== "heredoc") this.#toggle(contexts, context, "double-quotes");
      else if (context === "double-quotes" || context === "heredoc") this.#at += 1;
      else if (character === "'" && !isQuotedParameter(contexts)) this.#singleQuotes(end);
      else if (context === "parameter") this.#close(contexts, character === "}");
      else if (character === "#" && this.#startsWord()) this.#at = this.#endOfLine(end);
      else if (character === "(") this.#open(contexts, "group", 1);
      else if (character === ")") this.#close(contexts, context === "group" || context === "command");
      else if (character === "<") heredocs.push(...this.#heredocStart());
      else if (character === "\n" && heredocs.length > 0) {
        this.#heredocBodies(heredocs.splice(0), end, depth);
      } else this.#at += 1;
    }
  }

  #expression(context: Context): void {
    if (context === "arithmetic" || context === "parameter") {
      const where = context === "arithmetic" ? "$(( ))" : "${ }";
      this.#find(
        this.#at,
        `the shell would evaluate the value inside of ${where}`,
        'assign it first: value="${{ … }}"',
      );
    }
    this.#skipExpression();
  }

  /** Moves behind the expression that starts here. */
  #skipExpression(): void {
    this.#at = this.#ends.get(this.#at) ?? this.#at + 1;
  }

  #escape(): void {
    if (this.#ends.has(this.#at + 1)) {
      this.#find(
        this.#at + 1,
        "the backslash before it keeps the shell from reading the value",
        "remove the backslash",
      );
      this.#at += 1;
    } else {
      this.#at += 2;
    }
  }

  #dollar(contexts: Context[], context: Context): void {
    if (this.#ends.has(this.#at + 1)) {
      this.#find(this.#at + 1, "the $ before it changes what the shell reads", "put the $ in quotes of its own: '$'");
      this.#at += 1;
    } else if (this.#sees("$((")) this.#open(contexts, "arithmetic", 3);
    else if (this.#sees("$(")) this.#open(contexts, "command", 2);
    else if (this.#sees("${")) this.#open(contexts, "parameter", 2);
    else if (this.#sees("$'") && context !== "double-quotes" && context !== "heredoc") this.#dollarQuotes();
    else this.#at += this.#sees("$$") ? 2 : 1;
  }

  /** Parentheses inside are counted as arithmetic of their own; the outermost is closed by two. */
  #arithmetic(contexts: Context[], character: string): void {
    if (character === "(") this.#open(contexts, "arithmetic", 1);
    else if (character === ")") {
      contexts.pop();
      const isOutermost = contexts.at(-1) !== "arithmetic";
      this.#at += isOutermost && this.#sees("))") ? 2 : 1;
    } else this.#at += 1;
  }

  #open(contexts: Context[], context: Context, length: number): void {
    contexts.push(context);
    this.#at += length;
  }

  #close(contexts: Context[], closes: boolean): void {
    if (closes) contexts.pop();
    this.#at += 1;
  }

  #toggle(contexts: Context[], current: Context, context: Context): void {
    if (current === context) contexts.pop();
    else contexts.push(context);
    this.#at += 1;
  }

  #singleQuotes(end: number): void {
    this.#at += 1;
    while (this.#at < end && this.#script.charAt(this.#at) !== "'")
      this.#inertCharacter("in single quotes the shell does not read the value");
    this.#at += 1;
  }

  /** `$'…'`: a quote behind a backslash is one for some shells and the end for others, so nothing can be said after it. */
  #dollarQuotes(): void {
    this.#at += 2;
    while (this.#at < this.#script.length && this.#script.charAt(this.#at) !== "'") {
      if (this.#script.charAt(this.#at) === "\\") this.#at += 1;
      this.#inertCharacter("in $'…' the shell does not read the value");
    }
    this.#at += 1;
  }

  #inertCharacter(message: string): void {
    if (this.#ends.has(this.#at)) this.#find(this.#at, message, 'use double quotes: "${{ … }}"');
    this.#skipExpression();
  }

  #heredocStart(): readonly Heredoc[] {
    if (!this.#sees("<<") || this.#sees("<<<")) {
      this.#at += this.#sees("<<<") ? 3 : 1;
      return [];
    }
    const heredoc = readDelimiter(this.#script, this.#at);
    this.#at = heredoc?.end ?? this.#at + 2;
    return heredoc === undefined ? [] : [heredoc];
  }

  #heredocBodies(heredocs: readonly Heredoc[], end: number, depth: number): void {
    this.#at += 1;
    for (const { start, bodyEnd, next, quoted } of findHeredocs(this.#lines, heredocs, this.#at)) {
      if (quoted) {
        this.#at = start;
        while (this.#at < bodyEnd) this.#inertHeredocCharacter();
      } else if (depth < maxHeredocDepth) {
        this.scan(start, Math.min(bodyEnd, end), "heredoc", depth + 1);
      }
      this.#at = next;
    }
  }

  #inertHeredocCharacter(): void {
    if (this.#ends.has(this.#at)) {
      const message = "in a heredoc with a quoted delimiter the shell does not read the value";
      this.#find(this.#at, message, "take the quotes off the delimiter, or pass the value in env and read it there");
    }
    this.#skipExpression();
  }

  #startsWord(): boolean {
    return this.#at === 0 || /[\s;&|()`]/.test(this.#script.charAt(this.#at - 1));
  }

  #endOfLine(end: number): number {
    const newline = this.#script.indexOf("\n", this.#at);
    return newline === -1 ? end : newline;
  }

  #sees(text: string): boolean {
    return this.#script.startsWith(text, this.#at);
  }

  #find(offset: number, message: string, remedy: string): void {
    this.findings.push({ offset, message, remedy });
  }
}

/** In `"${x:-it's}"` the single quote is an ordinary character. */
function isQuotedParameter(contexts: readonly Context[]): boolean {
  let at = contexts.length - 1;
  while (contexts[at] === "parameter") at -= 1;
  return at < contexts.length - 1 && (contexts[at] === "double-quotes" || contexts[at] === "heredoc");
}
