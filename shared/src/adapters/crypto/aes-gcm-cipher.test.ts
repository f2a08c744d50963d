import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createAesGcmCipher, deriveKey } from "./aes-gcm-cipher.ts";

const [older, newer] = [randomBytes(32), randomBytes(32)];
const cipher = createAesGcmCipher([older]);

describe("what is sealed", () => {
  test("opens with its key at its place, and shows nothing before", () => {
    const sealed = cipher.seal("ghs_secret é", "row 1");
    expect(sealed).not.toContain("ghs_secret");
    expect(cipher.open(sealed, "row 1")).toBe("ghs_secret é");
  });

  test("is never the same twice", () => {
    expect(cipher.seal("ghs_secret", "row 1")).not.toBe(cipher.seal("ghs_secret", "row 1"));
  });

  test("does not open at another place, with another key, or changed in any of its parts", () => {
    const sealed = cipher.seal("ghs_secret", "row 1");
    expect(cipher.open(sealed, "row 2")).toBeUndefined();
    expect(createAesGcmCipher([newer]).open(sealed, "row 1")).toBeUndefined();
    for (let index = 0; index < sealed.length; index += 1) {
      const other = sealed[index] === "A" ? "B" : "A";
      const changed = `${sealed.slice(0, index)}${other}${sealed.slice(index + 1)}`;
      // The last digit of base64url may carry bits that mean nothing.
      const isSame = Buffer.from(changed.split(".")[2] ?? "", "base64url").equals(
        Buffer.from(sealed.split(".")[2] ?? "", "base64url"),
      );
      if (isSame && index > sealed.lastIndexOf(".")) continue;
      expect(cipher.open(changed, "row 1")).toBeUndefined();
    }
    for (const text of ["", ".", "..", "no", sealed.slice(0, 30)]) expect(cipher.open(text, "row 1")).toBeUndefined();
  });

  test("opens while its key is among the others, and is sealed with the first of them", () => {
    const both = createAesGcmCipher([newer, older]);
    expect(both.open(cipher.seal("ghs_secret", "row 1"), "row 1")).toBe("ghs_secret");
    expect(createAesGcmCipher([newer]).open(both.seal("ghs_secret", "row 1"), "row 1")).toBe("ghs_secret");
  });
});

describe("a key", () => {
  test("has 32 bytes, and there is one", () => {
    expect(() => createAesGcmCipher([randomBytes(16)])).toThrow("32 bytes, not 16");
    expect(() => createAesGcmCipher([])).toThrow("needs a key");
  });

  test("that is derived is the same for the same secret and purpose, and for no other", () => {
    expect(deriveKey("secret", "tokens")).toEqual(deriveKey("secret", "tokens"));
    expect(deriveKey("secret", "tokens")).toHaveLength(32);
    expect(deriveKey("secret", "other")).not.toEqual(deriveKey("secret", "tokens"));
    expect(deriveKey("other", "tokens")).not.toEqual(deriveKey("secret", "tokens"));
  });
});
