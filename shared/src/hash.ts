import { createHash } from "node:crypto";

/** SHA-256 of the parts, as hex. Each part is prefixed with its length, so that no two lists of parts run together. */
export function hashOf(...parts: readonly (string | number)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    const text = String(part);
    hash.update(`${Buffer.byteLength(text)}:${text};`);
  }
  return hash.digest("hex");
}
