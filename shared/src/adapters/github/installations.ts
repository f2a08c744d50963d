import { CodeHostRefused } from "../../ports/code-host.ts";
import type { TokenOwner } from "../../ports/host-tokens.ts";
import type { Purpose } from "./errors.ts";
import type { AppClient } from "./host-app.ts";
import type { Api } from "./octokit.ts";

/**
 * The id of the App's installation on an account. An owner that was renamed is not found by its former name, but its
 * repositories are: GitHub redirects these.
 * @throws CodeHostRefused with `kind: "not-installed"` or `"suspended"`.
 */
export async function findInstallation(
  app: AppClient,
  purpose: Purpose,
  { account, repository }: TokenOwner,
): Promise<number> {
  const [owner, repo] = repository?.split("/") ?? [];
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
        `Could not ${purpose.doing}: the App's installation on ${account} is suspended. An owner of ${account} can unsuspend it at ${data.html_url}.`,
      );
    } catch (error) {
      if (!(error instanceof CodeHostRefused) || error.kind !== "not-found") throw error;
    }
  }
  throw new CodeHostRefused(
    "not-installed",
    `Could not ${purpose.doing}: the App is not installed on ${account}, or ${account} does not exist. Check the name, and let an owner install the App there.`,
  );
}
