import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import type { Cipher } from "../../ports/cipher.ts";

const algorithm = "aes-256-gcm";
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

interface Key {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/**
 * AES-256-GCM by node:crypto, with a random nonce each time. What is sealed reads `KEY.NONCE.REST`; the key's id and the
 * place are authenticated with it.
 *
 * @param keys 32 bytes each. The first seals, all of them open: so a new one is put before the old one, which is left
 * out once nothing is sealed with it any more.
 * @throws RangeError for no key, or one of another length.
 */
export function createAesGcmCipher(keys: readonly Uint8Array[]): Cipher {
  const known = new Map(keys.map((bytes) => [idOf(bytes), { id: idOf(bytes), bytes }]));
  const [first] = known.values();
  if (first === undefined) throw new RangeError("A cipher needs a key.");
  return {
    seal(text, place) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, first.bytes, nonce).setAAD(contextOf(first, place));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return `${first.id}.${nonce.toString("base64url")}.${sealed.toString("base64url")}`;
    },
    open(sealed, place) {
      const [id = "", nonce = "", rest = ""] = sealed.split(".");
      const key = known.get(id);
      const bytes = Buffer.from(rest, "base64url");
      if (key === undefined || bytes.length < tagBytes) return undefined;
      try {
        const decipher = createDecipheriv(algorithm, key.bytes, Buffer.from(nonce, "base64url"))
          .setAAD(contextOf(key, place))
          .setAuthTag(bytes.subarray(-tagBytes));
        return Buffer.concat([decipher.update(bytes.subarray(0, -tagBytes)), decipher.final()]).toString("utf8");
      } catch {
        // Changed, or sealed for another place: GCM says no more than that.
        return undefined;
      }
    },
  };
}

/** A key made of another secret, the same each time: whoever has the secret has the key, and nobody else. */
export function deriveKey(secret: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "", purpose, keyBytes));
}

function idOf(bytes: Uint8Array): string {
  if (bytes.length !== keyBytes) throw new RangeError(`A key has ${keyBytes} bytes, not ${bytes.length}.`);
  return createHash("sha256").update("octobatch key id").update(bytes).digest("hex").slice(0, 8);
}

function contextOf({ id }: Key, place: string): Buffer {
  return Buffer.from(`${id}/${place}`);
}
