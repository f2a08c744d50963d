import { createPublicKey, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createAppSigner } from "./app-jwt.ts";
import { fakeGitHub, fakeKey, fakeNow } from "./testing/fake-github.ts";

const clock = { now: () => fakeNow };
const logger = { warn: () => {} };

function read(jwt: string) {
  const [header = "", payload = "", signature = ""] = jwt.split(".");
  const json = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString());
  const isGenuine = verify(
    "sha256",
    Buffer.from(`${header}.${payload}`),
    createPublicKey(fakeKey),
    Buffer.from(signature, "base64url"),
  );
  return { header: json(header), claims: json(payload), isGenuine };
}

describe("the App's JWT", () => {
  test("is signed by the App's key, and lives less than ten minutes around our clock", () => {
    const { jwt, expiresAt } = createAppSigner({ appId: "12", privateKey: fakeKey, clock, logger }).sign();
    const now = fakeNow.getTime() / 1000;
    expect(read(jwt)).toEqual({
      header: { alg: "RS256", typ: "JWT" },
      claims: { iss: "12", iat: now - 60, exp: now + 540 },
      isGenuine: true,
    });
    expect(expiresAt.getTime() / 1000).toBe(now + 540);
  });

  test("takes a key whose line breaks were written out, as in environment variables", () => {
    const privateKey = fakeKey.replaceAll("\n", String.raw`\n`);
    expect(read(createAppSigner({ appId: "12", privateKey, clock, logger }).sign().jwt).isGenuine).toBe(true);
  });

  test("follows GitHub's clock when GitHub says that ours is wrong, from then on, and says so in the log", async () => {
    const message = "'Expiration time' claim ('exp') is too far in the future";
    const date = new Date("2030-01-02T01:04:05Z");
    const { codeHost, calls, logged } = fakeGitHub({
      "GET /app": [{ status: 401, headers: { date: date.toUTCString() }, body: { message } }, { body: {} }],
    });
    await codeHost.check();
    await codeHost.check();
    const issued = calls.map(({ authorization }) => read(authorization?.replace(/^bearer /i, "") ?? "").claims);
    const byGitHub = { iss: "1", iat: date.getTime() / 1000 - 60, exp: date.getTime() / 1000 + 540 };
    expect(issued.slice(1)).toEqual([byGitHub, byGitHub]);
    expect(logged.join()).toContain(
      "this machine's clock shows 2030-01-02T03:04:05.000Z, GitHub's 2030-01-02T01:04:05.000Z: this machine's is 2 h ahead. Set it by NTP.",
    );
  });

  test("is refused with both times when GitHub's own clock does not help", async () => {
    const message = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
    const headers = { date: new Date("2030-01-02T02:59:05Z").toUTCString() };
    const { codeHost, calls } = fakeGitHub({ "GET /app": [{ status: 401, headers, body: { message } }] });
    await expect(codeHost.check()).rejects.toMatchObject({
      kind: "bad-credentials",
      message: expect.stringContaining(
        "this machine's clock shows 2030-01-02T03:04:05.000Z, GitHub's 2030-01-02T02:59:05.000Z: this machine's is 5 min ahead",
      ),
    });
    expect(calls).toHaveLength(2);
  });
});
