import { describe, expect, test } from "vitest";
import { later, noon } from "#shared/testing/builders.ts";
import { mintJobToken, readJobToken, type JobGrant } from "./job-token.ts";

const [key, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const grant: JobGrant = { executionId: "x-1", attempt: 2, direction: "upload", expiresAt: later(60_000) };
const token = mintJobToken([key], grant);
const ours = { kind: "granted", grant };
const notOurs = { kind: "refuse", because: "the token is not one of ours" };

describe("a job token", () => {
  test("says what it allows, until it expires", () => {
    expect(readJobToken([key], token, noon)).toEqual(ours);
    expect(readJobToken([key], token, later(59_999))).toEqual(ours);
    expect(readJobToken([key], token, later(60_000))).toEqual({
      kind: "refuse",
      because: "the token has expired at 2026-03-10T12:01:00.000Z",
    });
  });

  test("holds while its key is replaced: the first key mints, all are accepted", () => {
    const newer = mintJobToken([other, key], grant);
    expect(newer).not.toBe(token);
    for (const each of [token, newer]) expect(readJobToken([other, key], each, noon)).toEqual(ours);
    expect(readJobToken([other], token, noon)).toEqual(notOurs);
  });

  test("cannot be made without a key", () => {
    expect(() => mintJobToken([], grant)).toThrow("A job token needs a key.");
    expect(readJobToken([], token, noon)).toEqual(notOurs);
  });

  test("that was changed anywhere is nobody's", () => {
    const [payload = "", signature = ""] = token.split(".");
    const broader = Buffer.from(Buffer.from(payload, "base64url").toString().replace("upload", "source"));
    const forged = [
      "",
      ".",
      payload,
      `${payload}.`,
      `.${signature}`,
      `${broader.toString("base64url")}.${signature}`,
      `${payload}.${mintJobToken([other], grant).split(".")[1] ?? ""}`,
      `${token}A`,
      ` ${token}`,
      `${payload}.${signature.slice(0, -1)}`,
      `${payload}=.${signature}`,
    ];
    for (const each of forged) expect([each, readJobToken([key], each, noon)]).toEqual([each, notOurs]);
    // But the last character: of its six bits, two are nobody's.
    for (let at = 0; at < token.length - 1; at += 1) {
      const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
      expect([at, readJobToken([key], changed, noon)]).toEqual([at, notOurs]);
    }
  });
});
