import { z } from "zod";
import type { Cipher } from "#shared/ports/cipher.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { HostToken } from "#shared/ports/host-tokens.ts";
import type { TokenStore } from "./token-store.ts";

/** Where tokens are kept until they expire. */
export interface TokenShelf {
  find(key: string): Promise<HostToken | undefined>;
  put(key: string, token: HostToken): Promise<void>;
}

/** Keeps tokens in this process, in the clear: they are gone with it. */
export function memoryShelf(clock: Clock): TokenShelf {
  const kept = new Map<string, HostToken>();
  return {
    async find(key) {
      return kept.get(key);
    },
    async put(key, token) {
      const nowMs = clock.now().getTime();
      for (const [other, { expiresAt }] of kept) if (expiresAt.getTime() <= nowMs) kept.delete(other);
      kept.set(key, token);
    },
  };
}

const sealedToken = z.object({
  token: z.string(),
  expiresAt: z.coerce.date(),
  permissions: z.record(z.string(), z.string()),
  installation: z.number(),
});

/**
 * Keeps tokens in a store, sealed. One that cannot be opened counts as absent, as after the key was changed: it is then
 * made again and takes its place.
 */
export function sealedShelf({
  store,
  cipher,
  clock,
}: {
  readonly store: TokenStore;
  readonly cipher: Cipher;
  readonly clock: Clock;
}): TokenShelf {
  return {
    async find(key) {
      const sealed = await store.find(key, clock.now());
      const text = sealed === undefined ? undefined : cipher.open(sealed, key);
      return text === undefined ? undefined : sealedToken.parse(JSON.parse(text));
    },
    async put(key, token) {
      const sealed = cipher.seal(JSON.stringify(token), key);
      await store.save({ key, sealed, expiresAt: token.expiresAt }, clock.now());
    },
  };
}
