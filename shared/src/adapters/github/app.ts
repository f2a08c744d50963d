import { App } from "@octokit/app";
import { z } from "zod";
import type { Clock } from "../../ports/clock.ts";
import { createJwtSigner } from "./app-jwt.ts";
import type { Ask } from "./ask.ts";
import type { Purpose } from "./errors.ts";
import { octokitFor, type Api, type OctokitSettings } from "./octokit.ts";

/** What a token is wanted for. */
export interface TokenWish {
  /** Narrows it to repositories and to the permissions named; without, it reaches all that the installation does. */
  readonly scope?: {
    readonly repositoryIds: readonly number[];
    readonly permissions: Readonly<Record<string, "read" | "write">>;
  };
  /** How long it has to be valid still: a minute unless said. */
  readonly validForMs?: number;
  /** One that GitHub did not accept: it has to be another. */
  readonly refused?: string;
}

export interface InstallationToken {
  readonly token: string;
  readonly expiresAt: Date;
}

/** The GitHub App itself: what it may ask with its key, before any installation. */
export interface GitHubApp {
  /** Reads as the App. `request` makes one request. */
  read<T>(purpose: Purpose, request: (api: Api) => Promise<T>): Promise<T>;

  /** A token of an installation, cached. Making one twice is harmless: both are valid and expire by themselves. */
  token(purpose: Purpose, installationId: number, wish: TokenWish): Promise<InstallationToken>;
}

interface AppSettings extends OctokitSettings {
  readonly appId: string;
  /** PEM, PKCS #1 as GitHub hands it out or PKCS #8. */
  readonly privateKey: string;
  readonly clock: Clock;
  readonly ask: Ask;
}

const minted = z.object({ token: z.string().min(1), expiresAt: z.coerce.date() });

/**
 * Octokit asks for tokens, once for many callers, caches them, and corrects the App's JWT by GitHub's clock.
 * @throws CodeHostRefused with `kind: "bad-credentials"` when the private key is none.
 */
export function createApp(settings: AppSettings): GitHubApp {
  const { ask, appId, clock } = settings;
  // The JWT is signed by our clock; App has no setting for that, but the strategy behind it has.
  const auth = { appId, createJwt: createJwtSigner(settings) };
  const Octokit = octokitFor(settings).defaults((options: object) => ({ ...options, auth }));
  const { octokit } = new App({ appId, privateKey: settings.privateKey, Octokit });

  const mint = async (installationId: number, { scope }: TokenWish, refresh: boolean) =>
    minted.parse(await octokit.auth({ type: "installation", installationId, refresh, ...copy(scope) }));

  return {
    read: (purpose, request) => ask(purpose, true, () => request(octokit)),

    token: (purpose, installationId, wish) =>
      ask(purpose, true, async () => {
        const cached = await mint(installationId, wish, false);
        const neededUntilMs = clock.now().getTime() + (wish.validForMs ?? 60_000);
        if (cached.token !== wish.refused && cached.expiresAt.getTime() > neededUntilMs) return cached;
        const fresh = await mint(installationId, wish, true);
        // Octokit lets callers share one answer: ours may have been that of somebody who was content with the cache.
        return fresh.token === wish.refused ? mint(installationId, wish, true) : fresh;
      }),
  };
}

/** Octokit sorts the ids in place. */
function copy(scope: TokenWish["scope"]): object | undefined {
  return scope && { repositoryIds: [...scope.repositoryIds], permissions: { ...scope.permissions } };
}
