import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  visit,
  type Alias,
  type Document,
  type Node,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { specLimits } from "../limits.ts";
import { shorten, type Finding, type SpecPath } from "../finding.ts";

/** A value with the node it was read from, so that whatever is wrong with it can be shown in the text. */
export interface YamlTree {
  readonly value: unknown;
  readonly node: Node | null;
  readonly children: ReadonlyMap<string | number, { readonly keyOffset: number; readonly tree: YamlTree }>;
}

/** A finding that is placed by its offset in the whole text already. */
export interface PlacedFinding extends Omit<Finding, "at" | "textOffset"> {
  readonly offset: number;
}

/**
 * Reads a document into plain values. Aliases stand for what they name, within the limits, so that a small text cannot
 * become a huge value. Objects have no prototype keys: `__proto__` is refused.
 */
export function buildTree(document: Document): {
  readonly tree: YamlTree;
  readonly findings: readonly PlacedFinding[];
} {
  const builder = new TreeBuilder(anchoredNodes(document));
  const tree = builder.build(document.contents, [], 0);
  return { tree, findings: builder.findings };
}

/** What each alias stands for: the nearest node above it that carries its anchor. */
function anchoredNodes(document: Document): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Node(_, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) targets.set(node, target);
      } else if (node.anchor !== undefined) {
        anchors.set(node.anchor, node);
      }
    },
  });
  return targets;
}

/** A limit was passed: reading on would only take time. */
class TooMuch extends Error {
  override readonly name = "TooMuch";
}

class TreeBuilder {
  readonly findings: PlacedFinding[] = [];
  readonly #targets: ReadonlyMap<Alias, Node>;
  #nodes = 0;
  #characters = 0;

  constructor(targets: ReadonlyMap<Alias, Node>) {
    this.#targets = targets;
  }

  build(root: Node | null, path: SpecPath, offset: number): YamlTree {
    try {
      return this.#read(root, path, offset);
    } catch (error) {
      if (error instanceof TooMuch) return leaf(null, null);
      throw error;
    }
  }

  #read(node: Node | null, path: SpecPath, offset: number): YamlTree {
    const start = node?.range?.[0] ?? offset;
    this.#count(path, start);
    if (node === null) return leaf(null, null);
    if (isAlias(node)) return this.#alias(node, path, start);
    if (node.tag !== undefined) {
      this.#find(path, start, `the tag ${shorten(node.tag)} is not supported`, "remove it; quotes make a value text");
    }
    if (isMap(node)) return this.#map(node, path, start);
    if (isSeq(node)) return this.#list(node, path, start);
    if (isScalar(node)) return this.#scalar(node.value, node, path, start);
    return leaf(null, node);
  }

  #alias(alias: Alias, path: SpecPath, start: number): YamlTree {
    const target = this.#targets.get(alias);
    if (target !== undefined) return this.#read(target, path, start);
    this.#find(path, start, `there is no anchor &${shorten(alias.source)} above`);
    return leaf(null, alias);
  }

  #scalar(value: unknown, node: Node, path: SpecPath, start: number): YamlTree {
    if (typeof value !== "string") return leaf(value, node);
    this.#characters += value.length;
    if (this.#characters > specLimits.yamlCharacters)
      this.#tooMuch(path, start, "the text is too large with its aliases");
    if (!value.isWellFormed()) this.#find(path, start, "the text has half of a surrogate pair, which is no character");
    const control = /[^\P{Cc}\t\n\r]/u.exec(value);
    if (control !== null) this.#find(path, start, `the text has the control character ${codePoint(control[0])}`);
    return leaf(value, node);
  }

  #map(node: YAMLMap, path: SpecPath, start: number): YamlTree {
    const value: Record<string, unknown> = {};
    const children = new Map<string, { keyOffset: number; tree: YamlTree }>();
    for (const { key, value: item } of node.items) {
      // In a document that was parsed, keys and values are nodes or absent.
      const keyNode = key as Node | null;
      const keyOffset = keyNode?.range?.[0] ?? start;
      const name = isScalar(keyNode) && typeof keyNode.value === "string" ? keyNode.value : undefined;
      if (name === undefined) {
        this.#find(path, keyOffset, "a key has to be text");
        continue;
      }
      const itemPath = [...path, name];
      const tree = this.#read(item as Node | null, itemPath, keyOffset);
      if (name === "__proto__") this.#find(itemPath, keyOffset, "this key is not allowed");
      else if (children.has(name)) this.#find(itemPath, keyOffset, "the key is there twice", "keep one of them");
      else {
        value[name] = tree.value;
        children.set(name, { keyOffset, tree });
      }
    }
    return { value, node, children };
  }

  #list(node: YAMLSeq, path: SpecPath, start: number): YamlTree {
    const children = new Map<number, { keyOffset: number; tree: YamlTree }>();
    const value: unknown[] = [];
    for (const [index, item] of node.items.entries()) {
      const itemNode = item as Node | null;
      const keyOffset = itemNode?.range?.[0] ?? start;
      const tree = this.#read(itemNode, [...path, index], keyOffset);
      value.push(tree.value);
      children.set(index, { keyOffset, tree });
    }
    return { value, node, children };
  }

  #count(path: SpecPath, offset: number): void {
    this.#nodes += 1;
    if (this.#nodes > specLimits.yamlNodes)
      this.#tooMuch(path, offset, "the text has too many values with its aliases");
    if (path.length > specLimits.nesting) {
      this.#tooMuch(path.slice(0, 3), offset, `values are nested more than ${specLimits.nesting} deep`);
    }
  }

  #find(path: SpecPath, offset: number, message: string, remedy?: string): void {
    this.findings.push({ path, offset, message, remedy });
  }

  #tooMuch(path: SpecPath, offset: number, message: string): never {
    this.#find(path, offset, message);
    throw new TooMuch(message);
  }
}

function leaf(value: unknown, node: Node | null): YamlTree {
  return { value, node, children: new Map() };
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
