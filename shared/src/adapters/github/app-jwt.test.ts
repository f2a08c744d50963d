import { createPublicKey, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createJwtSigner } from "./app-jwt.ts";
import { fakeGitHub, fakeKey, fakeNow } from "./fake-github.ts";

const clock = { now: () => fakeNow };

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
  test("is signed by the App's key, and lives less than ten minutes around our clock", async () => {
    const { jwt, expiresAt } = await createJwtSigner({ privateKey: fakeKey, clock })(12);
    const now = fakeNow.getTime() / 1000;
    expect(read(jwt)).toEqual({
      header: { alg: "RS256", typ: "JWT" },
      claims: { iss: "12", iat: now - 60, exp: now + 540 },
      isGenuine: true,
    });
    expect(Date.parse(expiresAt) / 1000).toBe(now + 540);
  });

  test("takes a key whose line breaks were written out, as in environment variables", async () => {
    const privateKey = fakeKey.replaceAll("\n", String.raw`\n`);
    expect(read((await createJwtSigner({ privateKey, clock })(12)).jwt).isGenuine).toBe(true);
  });

  test("follows GitHub's clock when GitHub says that ours is wrong", async () => {
    const message = "'Expiration time' claim ('exp') is too far in the future";
    const date = new Date("2029-12-31T12:00:00Z");
    const { codeHost, calls } = fakeGitHub({
      "GET /app": [{ status: 401, headers: { date: date.toUTCString() }, body: { message } }, { body: {} }],
    });
    await codeHost.check();
    const issued = calls.map(({ authorization }) => read(authorization?.replace(/^bearer /i, "") ?? "").claims);
    expect(issued).toHaveLength(2);
    const iat = (issued[1] as { iat: number }).iat; // The claims were compared as a whole above.
    expect(Math.abs(iat + 60 - date.getTime() / 1000)).toBeLessThan(30);
  });
});
