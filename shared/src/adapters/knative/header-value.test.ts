import { expect, test } from "vitest";
import { decodeHeaderValue, encodeHeaderValue } from "./header-value.ts";

test.each([
  ["printable ASCII", "/octobatch/tick?a=b;c,d", "/octobatch/tick?a=b;c,d"],
  ["space, quote and percent", 'a b"c%d', "a%20b%22c%25d"],
  ["letters of two and three bytes", "Euro € Ü", "Euro%20%E2%82%AC%20%C3%9C"],
  ["a surrogate pair", "😀", "%F0%9F%98%80"],
  ["a line break", "a\r\nb", "a%0D%0Ab"],
])("encodes %s as the CloudEvents specification says, and back", (_, value, header) => {
  expect(encodeHeaderValue(value)).toBe(header);
  expect(decodeHeaderValue(header)).toBe(value);
});

test("decodes once only", () => {
  expect(decodeHeaderValue("%2541")).toBe("%41");
});

test("takes lower-case triplets and leaves a stray percent alone", () => {
  expect(decodeHeaderValue("%c3%bc 100% %zz")).toBe("ü 100% %zz");
});

test("takes off the quotes of a quoted string", () => {
  expect(decodeHeaderValue('"a \\"quoted\\" value"')).toBe('a "quoted" value');
});

test("refuses triplets that are not UTF-8", () => {
  expect(() => decodeHeaderValue("%FF")).toThrow(TypeError);
});
