import { hashOf } from "#shared/hash.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { CodeHostUnavailable } from "#shared/ports/code-host.ts";
import type { HostToken, TokenWish } from "#shared/ports/host-tokens.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { TokenShelf } from "./token-shelf.ts";

/** No token is handed out in its last minute: it could expire on the way. */
const leastValidMs = 60_000;

/** Finds a token that suits a wish under its key, or gets one by `obtain`. */
export type KeepTokens = (key: string, wish: TokenWish, obtain: () => Promise<HostToken>) => Promise<HostToken>;

/** What tokens of an owner are kept under: the same for the same repositories and permissions, in any order. */
export function tokenKey(owner: string, { permissions, repositoryIds }: TokenWish): string {
  const allowed = Object.entries(permissions)
    .map(([name, level]) => `${name}:${level}`)
    .toSorted();
  const repositories = repositoryIds?.toSorted((a, b) => a - b).map(String) ?? ["all"];
  return hashOf(owner, ...allowed, "in", ...repositories);
}

/**
 * Keeps tokens on a shelf. Many who ask for the same at once get one token, or all of them the same error; somebody whom
 * that token does not suit asks again.
 *
 * The function throws CodeHostUnavailable when a new token does not suit either: then the clocks disagree.
 */
export function keepTokens({ shelf, clock }: { readonly shelf: TokenShelf; readonly clock: Clock }): KeepTokens {
  const underWay = new Map<string, Promise<HostToken>>();

  function suits({ token, expiresAt }: HostToken, { validForMs = 0, refused }: TokenWish): boolean {
    const leftMs = expiresAt.getTime() - clock.now().getTime();
    const isRefused = refused !== undefined && fingerprintOf(token) === refused;
    return leftMs >= Math.max(leastValidMs, validForMs) && !isRefused;
  }

  async function findOrObtain(key: string, wish: TokenWish, obtain: () => Promise<HostToken>): Promise<HostToken> {
    const kept = await shelf.find(key);
    if (kept !== undefined && suits(kept, wish)) return kept;
    const fresh = await obtain();
    if (!suits(fresh, wish)) {
      const times = `it expires at ${fresh.expiresAt.toISOString()}, and it is ${clock.now().toISOString()} here`;
      throw new CodeHostUnavailable(`A new token is of no use: ${times}. Set this machine's clock by NTP.`);
    }
    await shelf.put(key, fresh);
    return fresh;
  }

  return async (key, wish, obtain) => {
    for (let others = underWay.get(key); others !== undefined; others = underWay.get(key)) {
      const token = await others;
      if (suits(token, wish)) return token;
    }
    const mine = findOrObtain(key, wish, obtain).finally(() => underWay.delete(key));
    underWay.set(key, mine);
    return mine;
  };
}
