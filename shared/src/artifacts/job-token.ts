import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";

/** What a Job does with its token: `source` reads the repository and what is cached, `upload` hands in what came out. */
export type JobDirection = "source" | "upload";

/** What a token allows: one direction, for one attempt of one execution, until it expires. */
export interface JobGrant {
  readonly executionId: string;
  readonly attempt: number;
  readonly direction: JobDirection;
  readonly expiresAt: Date;
}

export type JobTokenReading =
  | { readonly kind: "granted"; readonly grant: JobGrant }
  /** The reason is for the log and for whoever has the token; it says nothing about keys. */
  | { readonly kind: "refuse"; readonly because: string };

/** Tells these tokens from anything else that the same key may once sign. */
const purpose = "octobatch job token 1";

const payload = z.strictObject({
  executionId: z.string().min(1),
  attempt: z.int().positive(),
  direction: z.enum(["source", "upload"]),
  /** Milliseconds since 1970. */
  expiresAtMs: z.int().nonnegative(),
});

/**
 * A token that allows what the grant says: `PAYLOAD.SIGNATURE`, both base64url. The payload is readable for everybody, the
 * signature is HMAC-SHA-256. Minting twice gives the same token.
 *
 * @param keys 32 bytes each; the first signs. @throws RangeError for no key.
 */
export function mintJobToken(keys: readonly Uint8Array[], grant: JobGrant): string {
  const [key] = keys;
  if (key === undefined) throw new RangeError("A job token needs a key.");
  const { executionId, attempt, direction, expiresAt } = grant;
  const claims: z.input<typeof payload> = { executionId, attempt, direction, expiresAtMs: expiresAt.getTime() };
  const text = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return `${text}.${signatureOf(key, text).toString("base64url")}`;
}

/**
 * What a token allows at this time. How long it takes says nothing about how much of a signature was guessed.
 *
 * @param keys Those that may have signed it: the present one first, then the one whose place it takes.
 */
export function readJobToken(keys: readonly Uint8Array[], token: string, now: Date): JobTokenReading {
  const [, text = "", signature = ""] = /^([\w-]+)\.([\w-]{43})$/.exec(token) ?? [];
  const shown = Buffer.from(signature, "base64url");
  let isOurs = false;
  for (const key of keys) {
    const expected = signatureOf(key, text);
    if (shown.length === expected.length && timingSafeEqual(shown, expected)) isOurs = true;
  }
  if (!isOurs) return refuse("the token is not one of ours");
  // Only we can have signed it, so it is what we once wrote.
  const { expiresAtMs, ...scope } = payload.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
  const expiresAt = new Date(expiresAtMs);
  if (now >= expiresAt) return refuse(`the token has expired at ${expiresAt.toISOString()}`);
  return { kind: "granted", grant: { ...scope, expiresAt } };
}

function signatureOf(key: Uint8Array, text: string): Buffer {
  return createHmac("sha256", key).update(`${purpose}\n${text}`).digest();
}

function refuse(because: string): JobTokenReading {
  return { kind: "refuse", because };
}
