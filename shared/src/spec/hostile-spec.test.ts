import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { InvalidSpec } from "./invalid-spec.ts";
import { specLimits } from "./limits.ts";
import { parseSpec } from "./parse-spec.ts";

const decent = `version: 1
name: decent
on: [{ org: acme }, { codeSearch: "filename:.nvmrc 22", org: acme }]
filters: { exclude: [{ name: "acme/*-old", topic: legacy, archived: true, file: package.json }] }
steps:
  - name: change
    run: echo hello
    image: alpine:3
    if: true
    env: { A: b, TOKEN: { secret: NPM_TOKEN } }
    files: { /octobatch/x: y }
    timeout: 5m
    outputs: { v: { value: w, format: json } }
pullRequest: { title: Change, labels: [x], reviewers: [y], commit: { message: m, author: { name: n, email: e@x.y } } }
policies: { drift: overwrite, throttle: { pullRequestsPerDay: 3 } }
`;

/** What is said about the text. */
function problemsOf(text: string): readonly string[] {
  return errorOf(text)?.message.split("\n") ?? [];
}

function errorOf(text: string): InvalidSpec | undefined {
  try {
    parseSpec(text);
  } catch (error) {
    if (error instanceof InvalidSpec) return error;
    throw error;
  }
  return undefined;
}

/** The problems whose place is not in the text. */
function misplaced(text: string): readonly unknown[] {
  const lines = text.split("\n");
  const problems = errorOf(text)?.problems ?? [];
  return problems.filter(({ line, column }) => column < 1 || column > (lines[line - 1]?.length ?? -1) + 1);
}

describe("a hostile spec", () => {
  test("is decent without what follows", () => {
    expect(problemsOf(decent)).toEqual([]);
  });

  test("of more than 1 MiB is not even parsed", () => {
    expect(problemsOf(`# ${"x".repeat(specLimits.specBytes)}\n{{{{`)).toEqual([
      "spec:1:1: the text has more than 1048576 bytes; keep large files in the image of a step",
    ]);
  });

  test.for([
    ["aliases that multiply", `a: &a [x, x, x, x, x, x, x, x, x]\n${"bcdefghi".replaceAll(/./g, multiply)}`],
    ["aliases of one long text", `a: &a ${"x".repeat(500_000)}\nb: [${"*a, ".repeat(1_000)}]\n`],
  ])("with %s is refused before it grows", ([, text]) => {
    expect(problemsOf(text ?? "").join()).toMatch(/too (many values|large) with its aliases/);
  });

  test("with an alias inside of what it names is refused", () => {
    expect(problemsOf("a: &a [*a, *b]\n")).toContainEqual(expect.stringMatching(/nested more than 20 deep|no anchor/));
  });

  test.for([
    ["lists", "[".repeat(500_000)],
    ["mappings", "{a: ".repeat(50_000)],
    ["block lists", "- ".repeat(90_000)],
    ["keys", "? ".repeat(90_000)],
    ["indented mappings", Array.from({ length: 1_000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")],
  ])("with %s in each other is refused", ([, text]) => {
    expect(problemsOf(text ?? "").join()).toMatch(/nested more than 20 deep|words and marks/);
  });

  test("of too many words is refused", () => {
    expect(problemsOf(":\n".repeat(400_000))).toEqual([expect.stringContaining("more than 200000 words and marks")]);
  });

  test.for([
    [
      "a key that is there twice",
      decent.replace("name: decent", "name: decent\nname: other"),
      "3:1 name: the key is there twice; keep one of them",
    ],
    ["a key that is a list", `${decent}? [a]\n: b\n`, "a key has to be text"],
    ["a tag", decent.replace("name: decent", "name: !!js/function decent"), "2:21 name: the tag"],
    ["a standard tag", decent.replace("name: decent", "name: !!binary ZGVjZW50"), "name: the tag"],
    [
      "a key __proto__",
      decent.replace("env: {", "env: { __proto__: { admin: true },"),
      "steps[0].env.__proto__: this key is not allowed",
    ],
    [
      "a merge key",
      decent.replace("policies: {", "policies: { <<: { drift: overwrite },"),
      "merge keys are not supported",
    ],
    [
      "a NUL character",
      decent.replace("hello", "hel\0lo"),
      "7:18: the control character U+0000 is not text; remove it",
    ],
    [
      "an escaped NUL character",
      decent.replace("echo hello", String.raw`"echo \0"`),
      "7:10 steps[0].run: the text has the control character U+0000",
    ],
    ["half of a surrogate pair", decent.replace("echo hello", String.raw`"echo \ud800"`), "half of a surrogate pair"],
    ["tabs for indentation", decent.replace("  - name", "\t- name"), "spec:6:1"],
    ["a second document", `${decent}---\nversion: 1\n`, "second document"],
    ["a directive", `%YAML 1.1\n---\n${decent}`, "YAML directives are not supported"],
    [
      "an unknown anchor",
      decent.replace("name: decent", "name: *decent"),
      "2:7 name: there is no anchor &decent above",
    ],
    ["nothing in it", "", "spec:1:1: has no value, and has to be a mapping"],
    ["only a text", "hello", 'spec:1:1: has to be a mapping, not the text "hello"'],
    ["broken YAML", decent.replace("on: [{", "on: [[{"), "spec:"],
    [
      "a file outside",
      decent.replace("/octobatch/x", "/octobatch/../etc/passwd"),
      'steps[0].files["/octobatch/../etc/passwd"]: has a part that is empty, . or ..',
    ],
    ["a relative file", decent.replace("/octobatch/x", "../x"), "is not absolute"],
    ["a file of the system", decent.replace("/octobatch/x", "/etc/passwd"), "is in /etc, which belongs to the system"],
    ["a file that replaces a folder", decent.replace("/octobatch/x", "/tmp"), "is a folder; place it below /tmp"],
    ["a device", decent.replace("/octobatch/x", "/dev/null"), "is in /dev"],
    ["a file in the checkout", decent.replace("/octobatch/x", "/workspace/x"), "is in the checkout"],
    [
      "a file that is a folder",
      decent.replace("/octobatch/x: y", "/octobatch/x: y, /octobatch/x/z: y"),
      "is also the folder of another file",
    ],
    [
      "a glob that explodes",
      decent.replace("acme/*-old", `acme/${"{a,b}".repeat(20)}`),
      "stand for more than 64 patterns",
    ],
    [
      "a glob with a regular expression",
      decent.replace("acme/*-old", "acme/(a+)+$"),
      'filters.exclude[0].name: has "(", which patterns do not know',
    ],
    ["a bidirectional title", decent.replace("title: Change", 'title: "a\\u202eb"'), "has the character U+202E"],
    [
      "too many steps",
      decent.replace("steps:", `steps:\n${"  - { run: a, image: b }\n".repeat(50)}`),
      "steps: has more than 50 entries",
    ],
    [
      "a huge expression",
      decent.replace("echo hello", `\${{ "${"x".repeat(2_000)}" }}`),
      "the expression is longer than 1000 characters",
    ],
    [
      "an expression nested deeply",
      decent.replace("echo hello", `\${{ ${"(".repeat(60_000)} }}`),
      "nested more than 20 deep",
    ],
  ])("with %s is refused", ([, text = "", message]) => {
    expect(problemsOf(text).join("\n")).toContain(message);
  });

  test("with any wrong value in any place gets an answer that has a place", () => {
    const wrong: readonly unknown[] = [
      null,
      5,
      -1,
      1.5,
      true,
      "",
      " ",
      "\u202E",
      "a".repeat(70_000),
      [],
      {},
      [[]],
      { a: { b: null } },
    ];
    const document: unknown = parse(decent);
    for (const path of pathsIn(document)) {
      for (const value of wrong) {
        const text = stringify(replaced(document, path, value));
        expect({ path, value, misplaced: misplaced(text) }).toEqual({ path, value, misplaced: [] });
      }
    }
  });
});

function multiply(anchor: string): string {
  const before = String.fromCodePoint((anchor.codePointAt(0) ?? 0) - 1);
  return `${anchor}: &${anchor} [${`*${before}, `.repeat(9)}]\n`;
}

function pathsIn(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => pathsIn(item, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value))
    return value.map((item, index) => (String(index) === key ? replaced(item, rest, by) : item));
  return Object.fromEntries(
    Object.entries(value ?? {}).map(([name, item]) => [name, name === key ? replaced(item, rest, by) : item]),
  );
}
