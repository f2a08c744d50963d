import type { CodeHost } from "../../ports/code-host.ts";
import type { HostTokens } from "../../ports/host-tokens.ts";

/** A checkout may take a while, and nobody can give it a new token on the way. */
const gitTokenLastsMs = 10 * 60_000;

/** How git reads a repository of the GitHub at `webUrl`, by a token for it alone. */
export function createGitAccess(tokens: HostTokens, webUrl: string): CodeHost["gitAccess"] {
  return async ({ owner, name, id }) => {
    const asked = { repositoryIds: [id], permissions: { contents: "read" }, validForMs: gitTokenLastsMs } as const;
    const { token } = await tokens.token({ account: owner, repository: `${owner}/${name}` }, asked);
    return { url: `${webUrl}/${owner}/${name}.git`, token };
  };
}
