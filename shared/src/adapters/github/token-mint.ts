import { App } from "@octokit/app";
import { z } from "zod";
import { CodeHostRefused } from "../../ports/code-host.ts";
import type { TokenMint, TokenOwner, TokenPermissions, TokenWish } from "../../ports/host-tokens.ts";
import { answerOf } from "./answer.ts";
import { asApp, createAppClient, passesByKey } from "./app.ts";
import { createAppSigner, type AppSigner } from "./app-jwt.ts";
import { connectToGitHub, type GitHubConnection, type GitHubOptions } from "./connection.ts";
import type { Purpose } from "./errors.ts";
import type { AppClient } from "./host-app.ts";
import { findInstallation } from "./installations.ts";

export interface GitHubAppOptions extends GitHubOptions {
  readonly appId: string;
  /** The App's private key in PEM format. */
  readonly privateKey: string;
}

const minted = z.object({
  token: z.string().min(1),
  expiresAt: z.coerce.date(),
  permissions: z.record(z.string(), z.string()).default({}),
});

/**
 * Makes tokens by the App's key: the only place that has it.
 *
 * @throws CodeHostRefused with `kind: "bad-credentials"` when the private key is none.
 * @throws TypeError when `apiUrl` is no URL.
 */
export function createGitHubTokenMint(options: GitHubAppOptions): TokenMint {
  const connection = connectToGitHub(options);
  const signer = createAppSigner({ ...options, logger: connection.logger });
  const app = createAppClient(connection, passesByKey(signer));
  const octokit = appOctokit(connection, signer, options);

  const check = async (): Promise<void> => {
    await app.read({ doing: "sign in to GitHub as the App" }, ({ request }) => request("GET /app"));
  };

  return {
    installationOf: (owner) => findInstallation(app, purposeFor(owner), owner),

    async mint(installation, wish, owner) {
      const purpose = owner ? purposeFor(owner) : { doing: `get a token for installation ${installation}` };
      try {
        // Sent again when GitHub is unavailable, as a read is: a token that nobody learns of expires by itself.
        const made = await app.read(purpose, () =>
          octokit.auth({
            type: "installation",
            installationId: installation,
            refresh: true,
            permissions: { ...wish.permissions },
            ...(wish.repositoryIds && { repositoryIds: [...wish.repositoryIds] }),
          }),
        );
        const { token, expiresAt, permissions } = minted.parse(made);
        return { token, expiresAt: signer.hereAt(expiresAt), permissions, installation };
      } catch (error) {
        throw await explained(app, error, { purpose, installation, wish });
      }
    },

    async appPass(refused) {
      // Whoever was refused cannot say by what clock; asking GitHub ourselves tells.
      if (refused) await check();
      return signer.sign();
    },

    check,
  };
}

/**
 * Octokit's App, which knows how tokens are asked for. Our signer makes its JWTs, by GitHub's clock; it remembers no token,
 * since what is kept is kept sealed, elsewhere.
 */
function appOctokit(
  { Octokit, transport }: GitHubConnection,
  signer: AppSigner,
  { appId, privateKey }: Pick<GitHubAppOptions, "appId" | "privateKey">,
) {
  const auth = {
    appId,
    async createJwt() {
      const { jwt, expiresAt } = signer.sign();
      return { jwt, expiresAt: expiresAt.toISOString() };
    },
    cache: { get: async () => undefined, set: async () => {} },
  };
  const request = { fetch: transport(asApp(appId)) };
  const Ours = Octokit.defaults((options: object) => ({ ...options, auth, request }));
  return new App({ appId, privateKey, Octokit: Ours }).octokit;
}

interface Refused {
  readonly purpose: Purpose;
  readonly installation: number;
  readonly wish: TokenWish;
}

/** A refusal in the words of whoever has to act: GitHub says neither which permission it misses nor who removed the App. */
async function explained(app: AppClient, error: unknown, refused: Refused): Promise<unknown> {
  if (!(error instanceof CodeHostRefused)) return error;
  const { purpose, installation, wish } = refused;
  const { doing, account = "the account" } = purpose;
  if (error.kind === "not-found" && answerOf(error.cause)?.status === 404) {
    return new CodeHostRefused(
      "not-installed",
      `Could not ${doing}: the App's installation ${installation} was deleted. Let an owner of ${account} install the App again.`,
      { cause: error },
    );
  }
  if (error.kind !== "missing-permission") return error;
  const { data } = await app.read(purpose, ({ request }) =>
    request("GET /app/installations/{installation_id}", { installation_id: installation }),
  );
  const missing = beyond(wish.permissions, z.record(z.string(), z.string()).parse(data.permissions));
  if (missing.length === 0) return error;
  const what = missing.length === 1 ? "permission" : "permissions";
  return new CodeHostRefused(
    "missing-permission",
    `Could not ${doing}: the App's installation on ${account} does not grant the ${what} ${missing.join(" and ")}. ` +
      `Add it to the App's permissions if it is not among them, and let an owner of ${account} accept it at ${data.html_url}.`,
    { cause: error },
  );
}

/** The wished permissions that were not granted, as people read them: `"pull requests: write"`. */
function beyond(wished: TokenPermissions, granted: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(wished)
    .filter(([name, level]) => granted[name] === undefined || (level === "write" && granted[name] === "read"))
    .map(([name, level]) => `"${name.replaceAll("_", " ")}: ${level}"`);
}

function purposeFor({ account, repository }: TokenOwner): Purpose {
  return {
    doing: `get a token for ${repository ?? account}`,
    account,
    ...(repository !== undefined && { repository }),
  };
}
