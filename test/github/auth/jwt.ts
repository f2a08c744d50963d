import { createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { Refusal } from "../http/refusal.ts";
import type { AppIdentity } from "../state/installation.ts";

interface Claims {
  readonly iat?: unknown;
  readonly exp?: unknown;
  readonly iss?: unknown;
}

const undecodable = "A JSON web token could not be decoded";
/** What GitHub forgives a client whose clock runs ahead. */
const clockSkewSeconds = 60;
const longestLifeSeconds = 600;

/** Verifies the JWT of the App: RS256 by one of its keys, issued by its id or client id, living ten minutes at most. @throws Refusal */
export function verifyAppJwt(jwt: string, app: AppIdentity, keys: Iterable<string>, now: Date): void {
  const [header = "", payload = "", signature = "", ...rest] = jwt.split(".");
  const head = decode(header);
  const claims = decode(payload);
  if (head === undefined || claims === undefined || rest.length > 0) throw new Refusal(401, undecodable);
  // A decoded object of unknown shape: every claim is checked before it is used.
  const { iat, exp, iss } = claims as Claims;
  if ((head as { alg?: unknown }).alg !== "RS256") throw new Refusal(401, undecodable);
  if (iss === undefined) throw new Refusal(401, "Missing 'issuer' claim ('iss') in assertion");
  if (iss !== app.id && iss !== String(app.id) && iss !== app.clientId) throw new Refusal(404, "Integration not found");
  const isGenuine = [...keys].some((key) =>
    verify("sha256", Buffer.from(`${header}.${payload}`), publicKeyOf(key), Buffer.from(signature, "base64url")),
  );
  if (!isGenuine) throw new Refusal(401, undecodable);
  if (exp === undefined) throw new Refusal(401, "Missing 'expiration' claim ('exp') in assertion");
  const seconds = Math.floor(now.getTime() / 1000);
  if (typeof exp !== "number") throw new Refusal(401, "'Expiration' claim ('exp') must be a numeric value");
  if (typeof iat !== "number") throw new Refusal(401, "Missing 'issued at' claim ('iat') in assertion");
  if (iat > seconds + clockSkewSeconds) {
    throw new Refusal(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  }
  if (exp <= seconds)
    throw new Refusal(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  if (exp > seconds + longestLifeSeconds || exp - iat > longestLifeSeconds + clockSkewSeconds) {
    throw new Refusal(401, "'Expiration time' claim ('exp') is too far in the future");
  }
}

/** Signs a JWT as an App does. */
export function signAppJwt(payload: object, privateKey: string): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${encode({ alg: "RS256", typ: "JWT" })}.${encode(payload)}`;
  return `${unsigned}.${sign("sha256", Buffer.from(unsigned), privateKey).toString("base64url")}`;
}

function decode(part: string): object | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

const publicKeys = new Map<string, KeyObject>();

function publicKeyOf(pem: string): KeyObject {
  const known = publicKeys.get(pem);
  if (known !== undefined) return known;
  const key = createPublicKey(pem);
  publicKeys.set(pem, key);
  return key;
}
