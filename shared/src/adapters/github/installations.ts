import type { Clock } from "../../ports/clock.ts";
import { CodeHostRefused, type Installation } from "../../ports/code-host.ts";
import type { GitHubApp, InstallationToken, TokenWish } from "./app.ts";
import type { AccountPurpose } from "./errors.ts";
import type { Api } from "./octokit.ts";

/** Where the App is installed, and the tokens that come from there. */
export interface Installations {
  list(): Promise<readonly Installation[]>;

  /**
   * A token for the account's repositories, for what is to be done with it, and the installation that it is of.
   * @throws CodeHostRefused with `kind: "not-installed"` or `"suspended"`.
   */
  token(purpose: AccountPurpose, wish?: TokenWish): Promise<InstallationToken & { readonly installation: number }>;
}

/** An installation's id lasts until it is uninstalled, which a refused token shows at once; this bounds the rest. */
const knownForMs = 10 * 60_000;
const perPage = 100;

export function createInstallations({ app, clock }: { app: GitHubApp; clock: Clock }): Installations {
  const known = new Map<string, { readonly id: Promise<number>; readonly untilMs: number }>();

  /** Kept as a promise, so that many who begin at once look it up once. */
  function idOf(purpose: AccountPurpose): Promise<number> {
    const key = purpose.account.toLowerCase();
    const remembered = known.get(key);
    if (remembered && remembered.untilMs > clock.now().getTime()) return remembered.id;
    const id = lookUp(app, purpose);
    known.set(key, { id, untilMs: clock.now().getTime() + knownForMs });
    return id;
  }

  async function mint(purpose: AccountPurpose, wish: TokenWish) {
    const installation = await idOf(purpose);
    return { ...(await app.token(purpose, installation, wish)), installation };
  }

  return {
    async list() {
      const installations: Installation[] = [];
      for (let page = 1; ; page += 1) {
        const { data } = await app.read({ doing: "list the App's installations" }, (api) =>
          api.request("GET /app/installations", { per_page: perPage, page }),
        );
        for (const { id, account, suspended_at } of data) {
          if (account) installations.push({ id, account: account.login, suspended: Boolean(suspended_at) });
        }
        if (data.length < perPage) return installations;
      }
    },

    async token(wanted, wish = {}) {
      // What is refused here has nothing to do with the files that are to be written.
      const purpose = { ...wanted, writesWorkflows: false };
      const key = purpose.account.toLowerCase();
      const wasKnown = known.has(key);
      try {
        return await mint(purpose, wish);
      } catch (error) {
        known.delete(key);
        if (!isNotFound(error) || !wasKnown) throw error;
        // The App was uninstalled, and perhaps installed again under another id.
        return mint(purpose, wish);
      }
    },
  };
}

/** An owner that was renamed is not found by its former name, but its repositories are: GitHub redirects these. */
async function lookUp(app: GitHubApp, purpose: AccountPurpose): Promise<number> {
  const { account } = purpose;
  const [owner, repo] = purpose.repository?.split("/") ?? [];
  const places = [
    (api: Api) => api.request("GET /orgs/{org}/installation", { org: account }),
    (api: Api) => api.request("GET /users/{username}/installation", { username: account }),
    ...(owner && repo ? [(api: Api) => api.request("GET /repos/{owner}/{repo}/installation", { owner, repo })] : []),
  ];
  for (const place of places) {
    try {
      const { data } = await app.read(purpose, place);
      if (!data.suspended_at) return data.id;
      throw new CodeHostRefused(
        "suspended",
        `The App's installation on ${account} is suspended. An owner of ${account} can unsuspend it at ${data.html_url}.`,
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  throw new CodeHostRefused(
    "not-installed",
    `The App is not installed on ${account}, or ${account} does not exist. Check the name, and let an owner install the App there.`,
  );
}

function isNotFound(error: unknown): boolean {
  return error instanceof CodeHostRefused && error.kind === "not-found";
}
