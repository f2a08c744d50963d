import type { Clock } from "#shared/ports/clock.ts";
import { CodeHostRefused } from "#shared/ports/code-host.ts";
import type { HostToken, TokenIssuer, TokenMint, TokenOwner, TokenWish } from "#shared/ports/host-tokens.ts";
import { keepTokens, tokenKey } from "./keep-tokens.ts";
import type { TokenShelf } from "./token-shelf.ts";

/** An installation's id lasts until it is uninstalled, which minting shows at once; this bounds the rest. */
const knownForMs = 10 * 60_000;

/** Hands out tokens: those on the shelf while they suit, else new ones of the mint. */
export function createTokenIssuer({
  mint,
  shelf,
  clock,
}: {
  readonly mint: TokenMint;
  readonly shelf: TokenShelf;
  readonly clock: Clock;
}): TokenIssuer {
  const keep = keepTokens({ shelf, clock });
  const known = new Map<string, { readonly id: Promise<number>; readonly untilMs: number }>();

  function issue(installation: number, wish: TokenWish, owner?: TokenOwner): Promise<HostToken> {
    const key = tokenKey(`installation ${installation}`, wish);
    return keep(key, wish, () => mint.mint(installation, wish, owner));
  }

  /** Kept as a promise, so that many who begin at once look it up once. */
  function installationOf(owner: TokenOwner): Promise<number> {
    const account = owner.account.toLowerCase();
    const nowMs = clock.now().getTime();
    const remembered = known.get(account);
    if (remembered !== undefined && remembered.untilMs > nowMs) return remembered.id;
    const id = mint.installationOf(owner);
    known.set(account, { id, untilMs: nowMs + knownForMs });
    return id;
  }

  return {
    ofInstallation: (installation, wish) => issue(installation, wish),

    async token(owner, wish) {
      const account = owner.account.toLowerCase();
      const wasKnown = known.has(account);
      try {
        return await issue(await installationOf(owner), wish, owner);
      } catch (error) {
        known.delete(account);
        if (!wasKnown || !(error instanceof CodeHostRefused) || error.kind !== "not-installed") throw error;
        // The App was uninstalled, and perhaps installed again under another id.
        return issue(await installationOf(owner), wish, owner);
      }
    },

    appPass: (refused) => mint.appPass(refused),
    check: () => mint.check(),
  };
}
