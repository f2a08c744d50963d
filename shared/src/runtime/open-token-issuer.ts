import { createAesGcmCipher, deriveKey } from "#shared/adapters/crypto/aes-gcm-cipher.ts";
import { createGitHubTokenMint } from "#shared/adapters/github/token-mint.ts";
import { createTokenStore } from "#shared/adapters/postgres/token-store.ts";
import type { Pacing } from "#shared/ports/pacing.ts";
import type { TokenIssuer } from "#shared/ports/host-tokens.ts";
import { createTokenIssuer } from "#shared/tokens/issue-tokens.ts";
import { sealedShelf } from "#shared/tokens/token-shelf.ts";
import type { Settings } from "./config.ts";
import type { Foundation } from "./foundation.ts";
import { wayToGitHub } from "./open-github.ts";

const poolSize = 4;

/** Everything that is done with the App's key; what it makes is kept in Postgres, encrypted. */
export function openTokenIssuer(
  context: Foundation & { readonly settings: Settings; readonly opened: { readonly pacing?: Pacing } },
): { readonly value: TokenIssuer; readonly check: () => Promise<void>; readonly close: () => Promise<void> } {
  const { settings, clock, database } = context;
  const appId = settings.OCTOBATCH_GITHUB_APP_ID;
  const privateKey = settings.OCTOBATCH_GITHUB_PRIVATE_KEY;
  // Whoever has the private key can make tokens anyway, so a key derived from it guards them as well as another.
  const keys = settings.OCTOBATCH_TOKENS_KEY ?? [deriveKey(privateKey, "octobatch installation tokens")];
  // On one machine, a mutation holds a connection while it asks for its token.
  const own = database.beside(poolSize);
  const shelf = sealedShelf({ store: createTokenStore(own.knex), cipher: createAesGcmCipher(keys), clock });
  const mint = createGitHubTokenMint({ ...wayToGitHub(context), appId, privateKey });
  const value = createTokenIssuer({ mint, shelf, clock });
  return { value, check: () => value.check(), close: () => own.close() };
}
