import { isScalar, Lexer, LineCounter, parseDocument, type Document, type Scalar } from "yaml";
import { renderPath, shorten, type Finding, type SpecPath } from "../finding.ts";
import type { SpecProblem } from "../invalid-spec.ts";
import { specLimits } from "../limits.ts";
import { sourceOffset } from "./source-offset.ts";
import { buildTree, type PlacedFinding, type YamlTree } from "./yaml-tree.ts";

/** A text as plain values, and where each of them stands. */
export interface YamlText {
  readonly value: unknown;
  /** What YAML itself finds wrong. When it is not empty, `value` may lack parts. */
  readonly problems: readonly SpecProblem[];
  /** Says where a problem is that was found in the values. */
  locate(finding: Finding): SpecProblem;
}

/** How many problems of the YAML itself are worth reading. */
const maxSyntaxProblems = 20;

/**
 * Reads a text that nobody has checked: one YAML 1.2 document without tags. Its size and depth, and what its aliases
 * come to, are limited, and the time it takes grows with its size alone.
 */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const refusal = refuse(text);
  if (refusal !== undefined) return refused(text, refusal);
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const document = parseDocument(source, {
    lineCounter: lines,
    logLevel: "error",
    merge: false,
    prettyErrors: false,
    resolveKnownTags: false,
    stringKeys: true,
    // The parser compares each key with all before it; the tree does it with a set.
    uniqueKeys: false,
    version: "1.2",
  });
  const syntax = syntaxFindings(document);
  const { tree, findings } = buildTree(document);
  const place = (finding: PlacedFinding): SpecProblem => placed(finding, lines);
  return {
    value: tree.value,
    problems: [...syntax, ...findings].slice(0, maxSyntaxProblems).map(place),
    locate: (finding) => place({ ...finding, offset: offsetOf(finding, tree, source) }),
  };
}

/** Why the text is not even parsed. */
function refuse(text: string): PlacedFinding | undefined {
  const tooLarge = Buffer.byteLength(text) > specLimits.specBytes;
  if (tooLarge) {
    const message = `the text has more than ${specLimits.specBytes} bytes`;
    return { path: [], offset: 0, message, remedy: "keep large files in the image of a step" };
  }
  const control = /[^\P{Cc}\t\n\r\u0085]/u.exec(text);
  if (control !== null) {
    const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    return {
      path: [],
      offset: control.index,
      message: `the control character U+${code} is not text`,
      remedy: "remove it",
    };
  }
  let tokens = 0;
  let offset = 0;
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    offset += token.length;
    if (tokens > specLimits.yamlTokens) {
      const message = `the text has more than ${specLimits.yamlTokens} words and marks`;
      return { path: [], offset: Math.min(offset, text.length), message };
    }
  }
  return undefined;
}

function refused(text: string, finding: PlacedFinding): YamlText {
  const before = text.slice(0, finding.offset).split("\n");
  const { path: _path, offset: _offset, ...rest } = finding;
  const problem = { ...rest, path: "", line: before.length, column: (before.at(-1) ?? "").length + 1 };
  return { value: undefined, problems: [problem], locate: (found) => ({ ...problem, message: found.message }) };
}

function syntaxFindings(document: Document): readonly PlacedFinding[] {
  const findings = document.errors.map(({ code, message, pos: [offset] }) => {
    switch (code) {
      case "RESOURCE_EXHAUSTION":
        return { path: [], offset, message: `values are nested more than ${specLimits.nesting} deep` };
      case "MULTIPLE_DOCS":
        return { path: [], offset, message: "there is a second document", remedy: "keep one document in a file" };
      case "TAB_AS_INDENT":
        return { path: [], offset, message: "tabs cannot indent YAML", remedy: "use spaces" };
      default:
        return { path: [], offset, message: shorten(message) };
    }
  });
  if (document.directives?.yaml.explicit !== true) return findings;
  return [{ path: [], offset: 0, message: "YAML directives are not supported", remedy: "remove them" }, ...findings];
}

function placed({ path, offset, message, remedy }: PlacedFinding, lines: LineCounter): SpecProblem {
  const { line, col } = lines.linePos(offset);
  // An empty document has no line.
  return { line: Math.max(line, 1), column: Math.max(col, 1), path: renderPath(path), message, remedy };
}

/** As near as the text goes: what is missing is shown where it should be. */
function offsetOf({ path, at, textOffset }: Finding, root: YamlTree, source: string): number {
  const { tree, keyOffset } = find(root, path);
  const start = tree.node?.range?.[0] ?? keyOffset;
  if (at === "key") return keyOffset;
  if (textOffset !== undefined && isTextScalar(tree.node)) return sourceOffset(tree.node, source, textOffset);
  return start;
}

function find(root: YamlTree, path: SpecPath): { readonly tree: YamlTree; readonly keyOffset: number } {
  let found = { tree: root, keyOffset: root.node?.range?.[0] ?? 0 };
  for (const part of path) {
    const child = found.tree.children.get(part);
    if (child === undefined) return found;
    found = child;
  }
  return found;
}

function isTextScalar(node: unknown): node is Scalar<string> {
  return isScalar(node) && typeof node.value === "string";
}
