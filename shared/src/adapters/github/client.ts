import type { Octokit } from "@octokit/core";
import { answerOf } from "./answer.ts";
import type { Ask } from "./ask.ts";
import type { AccountPurpose } from "./errors.ts";
import type { Installations } from "./installations.ts";
import { octokitFor, type Api, type OctokitSettings } from "./octokit.ts";

/** Asks GitHub as the App's installation on an account. Each `request` makes one request. */
export interface GitHubClient {
  /** Sent again a few times when GitHub is unavailable. */
  read<T>(purpose: AccountPurpose, request: (api: Api) => Promise<T>): Promise<T>;

  /** Sent once: whether a write without an answer was done is for the caller to find out. */
  write<T>(purpose: AccountPurpose, request: (api: Api) => Promise<T>): Promise<T>;
}

export function createClient(
  settings: OctokitSettings & { readonly ask: Ask; readonly installations: Installations },
): GitHubClient {
  const { ask, installations } = settings;
  const octokit = new (octokitFor(settings))();

  async function asInstallation<T>(
    purpose: AccountPurpose,
    repeatable: boolean,
    request: (api: Api) => Promise<T>,
  ): Promise<T> {
    const { token } = await installations.token(purpose);
    return ask(purpose, repeatable, async () => {
      try {
        return await request(withToken(octokit, token));
      } catch (error) {
        if (answerOf(error)?.status !== 401) throw error;
        // The token was revoked, or GitHub's clock is ahead. A 401 did nothing, so even a write may be sent again.
        const fresh = await installations.token(purpose, { refused: token });
        return request(withToken(octokit, fresh.token));
      }
    });
  }

  return {
    read: (purpose, request) => asInstallation(purpose, true, request),
    write: (purpose, request) => asInstallation(purpose, false, request),
  };
}

function withToken(octokit: Octokit, token: string): Api {
  const headers = { authorization: `token ${token}` };
  return { request: octokit.request.defaults({ headers }), graphql: octokit.graphql.defaults({ headers }) };
}

/** What a request on a repository is for: `doing` as in "open a pull request in acme/api". */
export function purposeIn(
  repository: { readonly owner: string; readonly name: string },
  doing: string,
): AccountPurpose & { readonly repository: string } {
  const name = `${repository.owner}/${repository.name}`;
  return { doing: `${doing} ${name}`, account: repository.owner, repository: name };
}
