import { specLimits } from "./limits.ts";

/**
 * A small glob language: `*` any characters but a slash, `**` any characters, `?` one character but a slash, `{a,b}` one
 * of these, and nothing else. Upper and lower case are the same, as in the names of repositories.
 *
 * Specs come from people we do not know and texts from programs we do not know, so the time to match must not explode,
 * as it does for regular expressions made from globs (`*a*a*a*b`): here it grows with text × pattern, whatever they are.
 */
export type Glob = (text: string) => boolean;

type Token = { readonly kind: "character"; readonly character: string } | { readonly kind: "one" | "any" | "anything" };

/** How many patterns a pattern with braces may stand for. */
const maxAlternatives = 64;

/** Why this is no pattern, or undefined when it is one. */
export function globObjection(pattern: string): { message: string; remedy: string } | undefined {
  if (pattern.length > specLimits.globCharacters) {
    return {
      message: `is longer than ${specLimits.globCharacters} characters`,
      remedy: "write several shorter patterns",
    };
  }
  const unknown = /[^\w./*?{},@ -]/.exec(pattern);
  if (unknown !== null) {
    const message = `has ${JSON.stringify(unknown[0])}, which patterns do not know`;
    return { message, remedy: "use * ** ? and {a,b}" };
  }
  const alternatives = expandBraces(pattern);
  if (alternatives === undefined) {
    const message = `has braces that do not match or stand for more than ${maxAlternatives} patterns`;
    return { message, remedy: "write {a,b}, or several patterns" };
  }
  return undefined;
}

/** @throws TypeError when {@link globObjection} has something to say about the pattern. */
export function compileGlob(pattern: string): Glob {
  const tokenLists = alternativesOf(pattern);
  return (text) => tokenLists.some((tokens) => matches(tokens, text.toLowerCase()));
}

/**
 * The same pattern as a regular expression for Postgres, whose matching does not explode either. Of upper and lower case
 * it takes ASCII's letters to be the same.
 * @throws TypeError when {@link globObjection} has something to say about the pattern.
 */
export function globExpression(pattern: string): string {
  const alternatives = alternativesOf(pattern).map((tokens) => tokens.map(expressionOf).join(""));
  return `(?i)^(?:${alternatives.join("|")})$`;
}

function expressionOf(token: Token): string {
  switch (token.kind) {
    case "character":
      return token.character.replace(/[^a-z0-9]/, String.raw`\$&`);
    case "one":
      return "[^/]";
    case "any":
      return "[^/]*";
    case "anything":
      return ".*";
  }
}

/** @throws TypeError when it is no pattern. */
function alternativesOf(pattern: string): readonly (readonly Token[])[] {
  const objection = globObjection(pattern);
  const alternatives = objection === undefined ? expandBraces(pattern) : undefined;
  if (alternatives === undefined) throw new TypeError(`${JSON.stringify(pattern)} ${objection?.message}`);
  return alternatives.map(tokensOf);
}

/** `a{b,c}d` as `abd` and `acd`; undefined when that cannot be done. */
function expandBraces(pattern: string): readonly string[] | undefined {
  const open = pattern.lastIndexOf("{");
  if (open === -1) return pattern.includes("}") ? undefined : [pattern];
  const close = pattern.indexOf("}", open);
  if (close === -1) return undefined;
  const expanded: string[] = [];
  for (const choice of pattern.slice(open + 1, close).split(",")) {
    const rest = expandBraces(pattern.slice(0, open) + choice + pattern.slice(close + 1));
    if (rest === undefined || expanded.length + rest.length > maxAlternatives) return undefined;
    expanded.push(...rest);
  }
  return expanded;
}

function tokensOf(pattern: string): readonly Token[] {
  return (pattern.toLowerCase().match(/\*+|[^*]/g) ?? []).map((part) => {
    if (part === "?") return { kind: "one" };
    if (part === "*") return { kind: "any" };
    return part.startsWith("**") ? { kind: "anything" } : { kind: "character", character: part };
  });
}

/** Follows all ways through the pattern at once: `reached[i]` says that the first i tokens can account for the text so far. */
function matches(tokens: readonly Token[], text: string): boolean {
  let reached = skipStars(tokens, new Uint8Array(tokens.length + 1).fill(1, 0, 1));
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    const next = new Uint8Array(tokens.length + 1);
    let alive = false;
    for (const [index, token] of tokens.entries()) {
      if (reached[index] !== 1 || !accepts(token, character)) continue;
      const isStar = token.kind === "any" || token.kind === "anything";
      next[isStar ? index : index + 1] = 1;
      alive = true;
    }
    if (!alive) return false;
    reached = skipStars(tokens, next);
  }
  return reached[tokens.length] === 1;
}

/** A star may account for nothing. */
function skipStars(tokens: readonly Token[], reached: Uint8Array): Uint8Array {
  for (const [index, { kind }] of tokens.entries()) {
    if (reached[index] === 1 && (kind === "any" || kind === "anything")) reached[index + 1] = 1;
  }
  return reached;
}

function accepts(token: Token, character: string): boolean {
  switch (token.kind) {
    case "character":
      return token.character === character;
    case "anything":
      return true;
    case "one":
    case "any":
      return character !== "/";
  }
}
