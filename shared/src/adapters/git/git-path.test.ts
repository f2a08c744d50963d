import { expect, test } from "vitest";
import { pathText } from "./git-path.ts";

test.each([
  ["plain/ünïcode 文.txt", Buffer.from("plain/ünïcode 文.txt")],
  ["tab\tand\nnewline", Buffer.from("tab\tand\nnewline")],
  [String.raw`"caf\351.txt"`, Buffer.from("caf\xe9.txt", "latin1")],
  [String.raw`"\"quoted\""`, Buffer.from('"quoted"')],
  [String.raw`"\377\\\t\001"`, Buffer.from([0xff, 0x5c, 0x09, 0x01])],
])("%j stands for its bytes alone", (text, bytes) => {
  expect(pathText(bytes)).toBe(text);
});
