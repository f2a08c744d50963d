import type { HostTokens, TokenPermissions } from "../../ports/host-tokens.ts";
import { fingerprintOf } from "../../tokens/fingerprint.ts";
import { answerOf } from "./answer.ts";
import type { GitHubConnection } from "./connection.ts";
import type { AccountPurpose } from "./errors.ts";
import type { Api } from "./octokit.ts";
import type { Caller } from "./turns.ts";

/** Asks GitHub as the App's installation on an account. Each `request` makes one request. */
export interface GitHubClient {
  /** Sent again a few times when GitHub is unavailable; `attempt` counts from 0. */
  read<T>(purpose: AccountPurpose, request: (api: Api, attempt: number) => Promise<T>): Promise<T>;

  /** Sent once: whether a write without an answer was done is for the caller to find out. */
  write<T>(purpose: AccountPurpose, request: (api: Api) => Promise<T>): Promise<T>;
}

/** What reads ask for, all of them: so an installation's reads share one token. GitHub adds metadata by itself. */
const reading: TokenPermissions = { contents: "read", pull_requests: "read" };

const writing: TokenPermissions = { contents: "write", pull_requests: "write" };

/** What a write asks for: more than is usual only where it is needed, since not every installation grants it. */
export function permissionsToWrite({
  writesWorkflows = false,
  namesTeams = false,
}: Pick<AccountPurpose, "writesWorkflows" | "namesTeams">): TokenPermissions {
  return {
    ...writing,
    ...(writesWorkflows && { workflows: "write" }),
    ...(namesTeams && { members: "read" }),
  };
}

export function createClient(
  { ask, transport, apis }: GitHubConnection,
  tokens: HostTokens,
  caller: Omit<Caller, "installation">,
): GitHubClient {
  async function asInstallation<T>(
    purpose: AccountPurpose,
    asked: { readonly repeatable: boolean; readonly permissions: TokenPermissions },
    request: (api: Api, attempt: number) => Promise<T>,
  ): Promise<T> {
    const { repeatable, permissions } = asked;
    const { account, repository } = purpose;
    const owner = { account, ...(repository !== undefined && { repository }) };
    const known = await tokens.token(owner, { permissions });
    return ask(purpose, repeatable, async (attempt) => {
      try {
        return await request(apiOf(known), attempt);
      } catch (error) {
        if (answerOf(error)?.status !== 401) throw error;
        // The token was revoked, or GitHub's clock is ahead. A 401 did nothing, so even a write may be sent again.
        const fresh = await tokens.token(owner, { permissions, refused: fingerprintOf(known.token) });
        return request(apiOf(fresh), attempt);
      }
    });
  }

  function apiOf({ token, installation }: { readonly token: string; readonly installation: number }): Api {
    return apis(`token ${token}`, transport({ ...caller, installation: String(installation) }));
  }

  return {
    read: (purpose, request) => asInstallation(purpose, { repeatable: true, permissions: reading }, request),
    write: (purpose, request) =>
      asInstallation(purpose, { repeatable: false, permissions: permissionsToWrite(purpose) }, request),
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
