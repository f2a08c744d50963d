import { createHash, timingSafeEqual } from "node:crypto";
import type { TokenRole } from "./token-role.ts";

/** Somebody who may ask for tokens. */
export interface TokenCaller {
  readonly role: TokenRole;
  readonly secret: string;
}

/** How a caller names itself: `Bearer ROLE:SECRET`. */
export function credentialOf({ role, secret }: TokenCaller): string {
  return `${role}:${secret}`;
}

/**
 * Whose credential an Authorization header carries; undefined for nobody's. How long it takes says nothing about how
 * much of a secret was guessed. A role may have several secrets, while one takes the place of another.
 */
export function roleOfCredential(
  callers: readonly TokenCaller[],
  authorization: string | undefined,
): TokenRole | undefined {
  const credential = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  if (credential === undefined) return undefined;
  const shown = digest(credential);
  let role: TokenRole | undefined;
  for (const caller of callers) if (timingSafeEqual(digest(credentialOf(caller)), shown)) role = caller.role;
  return role;
}

function digest(credential: string): Buffer {
  return createHash("sha256").update(credential).digest();
}
