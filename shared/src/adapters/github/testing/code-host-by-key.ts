import type { CodeHost } from "../../../ports/code-host.ts";
import { createTokenIssuer } from "../../../tokens/issue-tokens.ts";
import { memoryShelf } from "../../../tokens/token-shelf.ts";
import { gitOnThisMachine } from "../../process/git-tools.ts";
import { createGitHubCodeHost } from "../code-host.ts";
import type { GitTools } from "../git-push.ts";
import { createGitHubTokenMint, type GitHubAppOptions } from "../token-mint.ts";

/** A code host that makes its tokens itself, by the App's key, and keeps them in memory: the product leaves that to `tokens`. */
export function codeHostByKey({
  git = gitOnThisMachine(),
  ...options
}: GitHubAppOptions & { readonly git?: GitTools }): CodeHost {
  const { clock } = options;
  const mint = createGitHubTokenMint(options);
  const tokens = createTokenIssuer({ mint, shelf: memoryShelf(clock), clock });
  return createGitHubCodeHost({ ...options, tokens, git });
}
