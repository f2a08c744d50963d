import { createPrivateKey, sign, type KeyObject } from "node:crypto";
import type { Clock } from "../../ports/clock.ts";
import { CodeHostRefused } from "../../ports/code-host.ts";

/** Signs the App's JWT, corrected by how much GitHub's clock is ahead of this machine's once Octokit has found out. */
type SignJwt = (appId: string | number, aheadSeconds?: number) => Promise<{ jwt: string; expiresAt: string }>;

/** GitHub refuses more than ten minutes, and a JWT issued in its future. */
const issuedBeforeSeconds = 60;
const lastsSeconds = 9 * 60;

/**
 * RS256 by the App's key and our clock, as
 * https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
 * describes it.
 * @throws CodeHostRefused with `kind: "bad-credentials"` when the key is none; nothing of it appears in the error.
 */
export function createJwtSigner({
  privateKey,
  clock,
}: {
  readonly privateKey: string;
  readonly clock: Clock;
}): SignJwt {
  const key = rsaKey(privateKey);
  return async (appId, aheadSeconds) => {
    const nowMs = aheadSeconds === undefined ? clock.now().getTime() : Date.now() + aheadSeconds * 1000;
    const now = Math.floor(nowMs / 1000);
    const exp = now + lastsSeconds;
    const claims = { iat: now - issuedBeforeSeconds, exp, iss: String(appId) };
    const signed = [{ alg: "RS256", typ: "JWT" }, claims].map(encode).join(".");
    const signature = sign("sha256", Buffer.from(signed), key).toString("base64url");
    return { jwt: `${signed}.${signature}`, expiresAt: new Date(exp * 1000).toISOString() };
  };
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

function rsaKey(privateKey: string): KeyObject {
  try {
    // Environment variables often hold the key in one line.
    const key = createPrivateKey(privateKey.replaceAll(String.raw`\n`, "\n"));
    if (key.asymmetricKeyType === "rsa") return key;
  } catch {
    // The reason may quote the key; the message below says all that helps.
  }
  throw new CodeHostRefused(
    "bad-credentials",
    "The App's private key is not an RSA key in PEM format. Use the whole .pem file that the App's settings page offers.",
  );
}
