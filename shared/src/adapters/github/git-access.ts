import type { CodeHost } from "../../ports/code-host.ts";
import type { HostTokens } from "../../ports/host-tokens.ts";

/** A checkout may take a while, and nobody can give it a new token on the way. */
const gitTokenLastsMs = 10 * 60_000;

/** How git reads a repository of the GitHub at `webUrl`. */
export function createGitAccess(tokens: HostTokens, webUrl: string): CodeHost["gitAccess"] {
  return async ({ owner, name, id }, { reach = "repository", refused } = {}) => {
    const asked = {
      ...(reach === "repository" && { repositoryIds: [id] }),
      permissions: { contents: "read" },
      validForMs: gitTokenLastsMs,
      ...(refused !== undefined && { refused }),
    } as const;
    const { token } = await tokens.token({ account: owner, repository: `${owner}/${name}` }, asked);
    return { url: `${webUrl}/${owner}/${name}.git`, token };
  };
}
