import picomatch from "picomatch";
import { describe, expect, test } from "vitest";
import { compileGlob, globObjection } from "./glob.ts";

describe("a glob", () => {
  test("matches what the field's own library matches, but for `**`, which that reads as `*` inside of a word", () => {
    const pieces = ["*", "?", "a", "b", "-", ".", "/", "{a,b}", "{a-,?b}", "A"];
    const texts = ["", "a", "b", "ab", "a-b", "a/b", "a/a/b", ".a", "a.b", "aab", "a/.b", "A", "b/a-", "-", "ba/b"];
    const patterns = pieces.flatMap((first) =>
      pieces.flatMap((second) => pieces.map((third) => `a${first}${second}${third}`)),
    );
    for (const pattern of patterns.filter((pattern) => !pattern.includes("**"))) {
      const expected = picomatch(pattern, { dot: true, nocase: true });
      const glob = compileGlob(pattern);
      for (const text of texts.map((end) => `a${end}`)) {
        expect({ pattern, text, matches: glob(text) }).toEqual({ pattern, text, matches: expected(text) });
      }
    }
  });

  test.for([
    ["acme/*", "acme/widgets", true],
    ["acme/*", "acme/a/b", false],
    ["acme/**", "acme/a/b", true],
    ["*/api-*", "acme/api-", true],
    ["ACME/Widgets", "acme/widgets", true],
    ["acme/{api,web}-?", "acme/web-1", true],
    ["acme/{api,web}-?", "acme/web-12", false],
    ["*", ".github", true],
    ["a.c", "abc", false],
  ] as const)("%s against %s: %s", ([pattern, text, matches]) => {
    expect(compileGlob(pattern)(text)).toBe(matches);
  });

  test("takes no time that explodes", () => {
    expect(compileGlob(`${"*a".repeat(99)}b`)("a".repeat(4_000))).toBe(false);
  });

  test.for([
    ["a(b)", 'has "(", which patterns do not know'],
    ["!a", 'has "!"'],
    ["a{b", "has braces that do not match"],
    ["a}b", "has braces that do not match"],
    ["{a,b}".repeat(7), "stand for more than 64 patterns"],
    ["a".repeat(201), "is longer than 200 characters"],
  ])("cannot be %j", ([pattern = "", message]) => {
    expect(globObjection(pattern)?.message).toContain(message);
    expect(() => compileGlob(pattern)).toThrow(TypeError);
  });
});
