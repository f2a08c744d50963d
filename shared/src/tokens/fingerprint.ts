import { createHash } from "node:crypto";

/** SHA-256 of a token as hex: names it to somebody who has it, and to nobody else. */
export function fingerprintOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
