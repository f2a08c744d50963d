import { expect, test } from "vitest";
import { createRedactor } from "./redactor.ts";

const value = "p@ss word/with+odd=chars&more";
const redactor = createRedactor(new Map([["TOKEN", value]]));

function inWritesOf(bytes: Buffer, size: number): string {
  const stream = redactor.stream();
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(stream.push(bytes.subarray(at, at + size)));
  parts.push(stream.end());
  return Buffer.concat(parts).toString("latin1");
}

const base64 = Buffer.from(`user:${value}`).toString("base64");
test.each([
  ["plain", value],
  ["URL-encoded", encodeURIComponent(value)],
  ["form-encoded", encodeURIComponent(value).replaceAll("%20", "+")],
  ["hexadecimal", Buffer.from(value).toString("hex").toUpperCase()],
  ["JSON", JSON.stringify(value)],
  ["base64", Buffer.from(value).toString("base64")],
  ["base64 after a user name", base64],
  ["base64 broken into lines", base64.replaceAll(/.{16}/g, "$&\n")],
  ["base64url", Buffer.from(value).toString("base64url")],
])("a secret is redacted when printed %s, however the writes are cut", (_how, printed) => {
  for (const size of [1, 2, 7, 16, 1000]) {
    const shown = inWritesOf(Buffer.from(`before ${printed} after`), size);
    expect(shown).toContain("***TOKEN***");
    expect(shown).not.toContain(printed);
    expect(shown).toMatch(/^before .* after$/s);
  }
});

test("other bytes pass unchanged and at once, invalid UTF-8 too", () => {
  const bytes = Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x0a]);
  expect(redactor.stream().push(bytes).equals(bytes)).toBe(true);
});

test("what only begins like a secret is shown in the end", () => {
  expect(inWritesOf(Buffer.from(`${value.slice(0, 10)} p@ss p@ss wor`), 3)).toBe(`${value.slice(0, 10)} p@ss p@ss wor`);
});

test("each secret is shown by its own name, the longer one first", () => {
  const two = createRedactor(
    new Map([
      ["SHORT", "abcd1234"],
      ["LONG", "abcd1234efgh"],
    ]),
  );
  expect(two.redactText("abcd1234efgh abcd1234")).toBe("***LONG*** ***SHORT***");
  expect(two.find(Buffer.from("x abcd1234 y"))).toBe("SHORT");
  expect(two.find(Buffer.from("nothing"))).toBeUndefined();
});

test("the lines of a private key are redacted one by one", () => {
  const key = "-----BEGIN KEY-----\nMIIEvgIBADANBgkqhkiG9w0B\nAQEFAASCBKgwggSkAgEAAoIB\n-----END KEY-----\n";
  const shown = createRedactor(new Map([["KEY", key]])).redactText(
    "  MIIEvgIBADANBgkqhkiG9w0B\n  AQEFAASCBKgwggSkAgEAAoIB",
  );
  expect(shown).toBe("  ***KEY***\n  ***KEY***");
});
