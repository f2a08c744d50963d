import { expect, test } from "vitest";
import { readOutput } from "./read-output.ts";
import { UnrenderableTemplate } from "./unrenderable-template.ts";

test("an output is read by its format", () => {
  expect(readOutput("a: 1\n", "text")).toBe("a: 1\n");
  expect(readOutput('{"a": [1, null, "x"]}', "json")).toEqual({ a: [1, null, "x"] });
  expect(readOutput("a: [1, null, x]\n", "yaml")).toEqual({ a: [1, null, "x"] });
});

const laughs = `a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
${["b", "c", "d", "e", "f"].map((key, index) => `${key}: &${key} [${`*${"abcde".charAt(index)}, `.repeat(10)}]`).join("\n")}
`;

test.for([
  ["{", "json", "the output is no JSON"],
  ["[".repeat(30) + "]".repeat(30), "json", "nested more than 20 deep"],
  ["a: [", "yaml", "the output is no YAML: line 1"],
  ["a: .inf", "yaml", "a number that JSON does not know"],
  [laughs, "yaml", "too many values with its aliases"],
] as const)("an output that is not what its format says is refused: %j", ([text, format, message]) => {
  expect(() => readOutput(text, format)).toThrow(UnrenderableTemplate);
  expect(() => readOutput(text, format)).toThrow(message);
});
