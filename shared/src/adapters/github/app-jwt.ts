import { createPrivateKey, sign, type KeyObject } from "node:crypto";
import type { Clock } from "../../ports/clock.ts";
import { CodeHostRefused } from "../../ports/code-host.ts";
import type { AppPass } from "../../ports/host-tokens.ts";
import { isClockRefused } from "./access-rules.ts";
import type { GitHubAnswer } from "./answer.ts";
import { clocksOf } from "./clock-difference.ts";
import type { GitHubLogger } from "./octokit.ts";

/** GitHub refuses more than ten minutes, and a JWT issued in its future. */
const issuedBeforeMs = 60_000;
const lastsMs = 9 * 60_000;

/** Below this, another JWT would be refused as the one before was. */
const worthCorrectingMs = 1000;

/** Signs the App's JWTs with its key. */
export interface AppSigner {
  /** A JWT that begins now, by GitHub's clock as far as it is known. */
  sign(): AppPass;

  /** Learns GitHub's time from its refusal of a JWT; answers whether another one is worth a try. */
  learnFrom(refusal: GitHubAnswer): boolean;

  /** An instant of GitHub's clock on this machine's. */
  hereAt(there: Date): Date;
}

/**
 * RS256 by the App's key, as
 * https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
 * describes it. By this machine's clock, until GitHub says that it is wrong: then by GitHub's.
 * @throws CodeHostRefused with `kind: "bad-credentials"` when the key is none; nothing of it appears in the error.
 */
export function createAppSigner({
  appId,
  privateKey,
  clock,
  logger,
}: {
  readonly appId: string;
  /** PEM, PKCS #1 as GitHub hands it out or PKCS #8. */
  readonly privateKey: string;
  readonly clock: Clock;
  readonly logger: GitHubLogger;
}): AppSigner {
  const key = rsaKey(privateKey);
  let aheadMs = 0;
  return {
    sign() {
      const nowMs = clock.now().getTime();
      const expiresAt = new Date(nowMs + lastsMs);
      const seconds = (ms: number): number => Math.floor((ms + aheadMs) / 1000);
      const claims = { iat: seconds(nowMs - issuedBeforeMs), exp: seconds(nowMs + lastsMs), iss: appId };
      const signed = [{ alg: "RS256", typ: "JWT" }, claims].map(encode).join(".");
      const signature = sign("sha256", Buffer.from(signed), key).toString("base64url");
      return { jwt: `${signed}.${signature}`, expiresAt, appId };
    },
    learnFrom(refusal) {
      const clocks = clocksOf(refusal, clock.now());
      if (!isClockRefused(refusal) || clocks === undefined) return false;
      if (Math.abs(clocks.aheadMs - aheadMs) < worthCorrectingMs) return false;
      ({ aheadMs } = clocks);
      logger.warn({ aheadMs }, `GitHub refused the App's JWT: ${clocks.say} Going on by GitHub's time.`);
      return true;
    },
    hereAt: (there) => new Date(there.getTime() - aheadMs),
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
