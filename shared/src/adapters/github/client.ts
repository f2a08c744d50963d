import { answerOf } from "./answer.ts";
import type { Ask } from "./ask.ts";
import type { AccountPurpose } from "./errors.ts";
import type { Installations } from "./installations.ts";
import { octokitFor, type Api, type OctokitSettings } from "./octokit.ts";
import type { Transport } from "./transport.ts";
import type { Caller } from "./turns.ts";

/** Asks GitHub as the App's installation on an account. Each `request` makes one request. */
export interface GitHubClient {
  /** Sent again a few times when GitHub is unavailable; `attempt` counts from 0. */
  read<T>(purpose: AccountPurpose, request: (api: Api, attempt: number) => Promise<T>): Promise<T>;

  /** Sent once: whether a write without an answer was done is for the caller to find out. */
  write<T>(purpose: AccountPurpose, request: (api: Api) => Promise<T>): Promise<T>;
}

/** What all clients share, whatever their urgency. */
export interface ClientSettings extends OctokitSettings {
  readonly ask: Ask;
  readonly installations: Installations;
  readonly transport: Transport;
}

export function createClient(settings: ClientSettings, caller: Omit<Caller, "installation">): GitHubClient {
  const { ask, installations, transport } = settings;
  const octokit = new (octokitFor(settings))();

  function withToken({ token, installation }: { readonly token: string; readonly installation: number }): Api {
    const defaults = {
      headers: { authorization: `token ${token}` },
      request: { fetch: transport({ ...caller, installation: String(installation) }) },
    };
    return { request: octokit.request.defaults(defaults), graphql: octokit.graphql.defaults(defaults) };
  }

  async function asInstallation<T>(
    purpose: AccountPurpose,
    repeatable: boolean,
    request: (api: Api, attempt: number) => Promise<T>,
  ): Promise<T> {
    const known = await installations.token(purpose);
    return ask(purpose, repeatable, async (attempt) => {
      try {
        return await request(withToken(known), attempt);
      } catch (error) {
        if (answerOf(error)?.status !== 401) throw error;
        // The token was revoked, or GitHub's clock is ahead. A 401 did nothing, so even a write may be sent again.
        const fresh = await installations.token(purpose, { refused: known.token });
        return request(withToken(fresh), attempt);
      }
    });
  }

  return {
    read: (purpose, request) => asInstallation(purpose, true, request),
    write: (purpose, request) => asInstallation(purpose, false, request),
  };
}

/** What a request on a repository is for: `doing` as in "open a pull request in acme/api". */
export function purposeIn(
  repository: { readonly owner: string; readonly name: string },
  doing: string,
): AccountPurpose & { readonly repository: string } {
  const name = `${repository.owner}/${repository.name}`;
  return { doing: `${doing} ${name}`, account: repository.owner, repository: name };
}
