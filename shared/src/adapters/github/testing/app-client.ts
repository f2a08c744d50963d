import { createAppClient, passesByKey } from "../app.ts";
import { createAppSigner } from "../app-jwt.ts";
import { connectToGitHub } from "../connection.ts";
import type { AppClient } from "../host-app.ts";
import type { GitHubAppOptions } from "../token-mint.ts";

/** What tests ask GitHub with by the App's key, made of the same parts as in the product. */
export function appClient(options: Omit<GitHubAppOptions, "timeoutMs">): AppClient {
  const connection = connectToGitHub({ timeoutMs: 10_000, sleep: async () => {}, ...options });
  return createAppClient(connection, passesByKey(createAppSigner({ ...options, logger: connection.logger })));
}
