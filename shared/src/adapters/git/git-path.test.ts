import { expect, test } from "vitest";
import { isBelow, pathText } from "./git-path.ts";

test.each([
  ["plain/ünïcode 文.txt", Buffer.from("plain/ünïcode 文.txt")],
  ["tab\tand\nnewline", Buffer.from("tab\tand\nnewline")],
  [String.raw`"caf\351.txt"`, Buffer.from("caf\xe9.txt", "latin1")],
  [String.raw`"\"quoted\""`, Buffer.from('"quoted"')],
  [String.raw`"\377\\\t\001"`, Buffer.from([0xff, 0x5c, 0x09, 0x01])],
])("%j stands for its bytes alone", (text, bytes) => {
  expect(pathText(bytes)).toBe(text);
});

test("a path is below its directory, quoted or not", () => {
  for (const name of ["a/b", "a/caf\u00e9", 'a/"q']) expect(isBelow(pathText(Buffer.from(name)), "a")).toBe(true);
  expect(isBelow(pathText(Buffer.from("a/\xe9", "latin1")), "a")).toBe(true);
  expect(isBelow(pathText(Buffer.from("caf\u00e9/\xe9", "latin1")), "caf\u00e9")).toBe(false);
  expect(isBelow(pathText(Buffer.concat([Buffer.from("caf\u00e9/"), Buffer.from([0xe9])])), "caf\u00e9")).toBe(true);
  expect(isBelow(pathText(Buffer.from("ab/\xe9", "latin1")), "a")).toBe(false);
});
