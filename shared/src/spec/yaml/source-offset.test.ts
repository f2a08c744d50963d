import { expect, test } from "vitest";
import { isScalar, parseDocument } from "yaml";
import { sourceOffset } from "./source-offset.ts";

const texts: readonly (readonly [string, string])[] = [
  ["plain", "a: one two @ three"],
  ["plain over several lines", "a: one\n  two\n\n  three @ four"],
  ["in single quotes", "a: 'it''s ''quoted'' @ four'"],
  [
    "in double quotes",
    String.raw`a: "\"one\" \x41 \u0042 \U00000043 \U0001F600 \
  two\n @ three"`,
  ],
  ["in double quotes over several lines", 'a: "one\n  two\n\n  @ three"'],
  ["of a literal block", "a: |\n  one\n    two\n\n  three @ four\n"],
  ["of a literal block with a header", "a: |2- # comment\n    one\n  @ four\n"],
  ["of a folded block", "a: >-\n  one\n  two\n\n    three\n  four @ five\n"],
  ["of a block with Windows line ends", "a: |\r\n  one\r\n  two @ three\r\n"],
  ["with an anchor", "a: &anchor 'one @ two'"],
  ["at the beginning", "a: |\n  @ three"],
  ["in a list of mappings", "- - a\n- b: >\n    one\n    @ two\n"],
];

test.for(texts)("finds a character of a text %s in the source", ([, source]) => {
  const scalars: { offset: number; source: number }[] = [];
  visitScalars(source, (scalar) => {
    if (scalar.value.includes("@")) {
      scalars.push({ offset: sourceOffset(scalar, source, scalar.value.indexOf("@")), source: source.indexOf("@") });
    }
  });
  expect(scalars).toHaveLength(1);
  expect(scalars[0]?.offset).toBe(scalars[0]?.source);
});

function visitScalars(source: string, visit: (scalar: Parameters<typeof sourceOffset>[0]) => void): void {
  const pending: unknown[] = [parseDocument(source).contents];
  while (pending.length > 0) {
    const node = pending.pop();
    if (isScalar<string>(node)) {
      if (typeof node.value === "string") visit(node);
    } else if (typeof node === "object" && node !== null) {
      if ("items" in node && Array.isArray(node.items)) pending.push(...node.items);
      if ("key" in node && "value" in node) pending.push(node.key, node.value);
    }
  }
}
