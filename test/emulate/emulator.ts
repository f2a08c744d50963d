import { createEmulator } from "emulate";
import { createGitHubCodeHost } from "#shared/adapters/github/code-host.ts";
import { gitOnThisMachine } from "#shared/adapters/process/git-tools.ts";
import { createGitHubHostApp } from "#shared/adapters/github/host-app.ts";
import { appClient } from "#shared/adapters/github/testing/app-client.ts";
import { createGitHubTokenMint, type GitHubAppOptions } from "#shared/adapters/github/token-mint.ts";
import type { CodeHost, RepositoryRef } from "#shared/ports/code-host.ts";
import type { HostApp } from "#shared/ports/host-app.ts";
import type { HostTokens, TokenPermissions } from "#shared/ports/host-tokens.ts";
import { createTokenIssuer } from "#shared/tokens/issue-tokens.ts";
import { memoryShelf } from "#shared/tokens/token-shelf.ts";
import { startWebhookReceiver, type WebhookReceiver } from "./webhook-receiver.ts";

type AppIdentity = Partial<Pick<GitHubAppOptions, "appId" | "privateKey">>;

/** The emulator's GitHub with one App, and our product in front of it. */
export interface EmulatedGitHub {
  readonly apiUrl: string;
  readonly webhooks: WebhookReceiver;

  /** Our product, with tokens that allow what it asks for, and what is said here. */
  codeHost(alsoAllow?: TokenPermissions): CodeHost;

  /** Our product as the App itself, with its id and key unless it is said to have others. */
  hostApp(as?: AppIdentity): HostApp;

  /** The App's JWT as our product signs it, now or at a later time. */
  appJwt(laterMs?: number): Promise<string>;

  /** A seeded repository with the head of its default branch. */
  repository(fullName: string): Promise<RepositoryRef & { readonly head: string }>;

  /** One request without our product: for what it does not ask, or asks by GraphQL. Without a token it is nobody's. */
  ask(request: {
    readonly method?: string;
    readonly path: string;
    readonly token?: string;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  }): Promise<Response>;

  close(): Promise<void>;
}

/** The token of ana, who may do everything in acme. */
export const personToken = "token-of-ana";
export const webhookSecret = "the secret of this test";

const appId = "7";
const clock = { now: () => new Date() };

/**
 * Starts the GitHub service of `emulate` on a free port of this machine.
 *
 * The App is installed on the organization acme and on ana's own account, and not on the organization initech.
 */
export async function startEmulator(): Promise<EmulatedGitHub> {
  const webhooks = await startWebhookReceiver();
  const emulator = await createEmulator({ service: "github", port: 0, seed: seedFor(webhooks.url) });
  // It names itself "localhost", which may mean another address than the one it listens on.
  const apiUrl = `http://127.0.0.1:${new URL(emulator.url).port}`;
  const privateKey = emulator.generatedSecrets[0]?.value;
  if (privateKey === undefined) throw new Error("emulate made no private key for the App");

  const ask: EmulatedGitHub["ask"] = ({ method = "GET", path, token, body, headers }) =>
    fetch(`${apiUrl}${path}`, {
      method,
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });

  const options = { apiUrl, appId, privateKey, clock, timeoutMs: 10_000, sleep: async () => {} };

  return {
    apiUrl,
    webhooks,
    ask,

    codeHost(alsoAllow = {}) {
      const issuer = createTokenIssuer({ mint: createGitHubTokenMint(options), shelf: memoryShelf(clock), clock });
      const tokens: HostTokens = {
        ...issuer,
        token: (owner, wish) => issuer.token(owner, { ...wish, permissions: { ...wish.permissions, ...alsoAllow } }),
      };
      return createGitHubCodeHost({ ...options, tokens, git: gitOnThisMachine() });
    },

    hostApp: (as = {}) => createGitHubHostApp({ app: appClient({ ...options, ...as }) }),

    async appJwt(laterMs = 0) {
      const later = { now: () => new Date(Date.now() + laterMs) };
      return (await createGitHubTokenMint({ ...options, clock: later }).appPass(false)).jwt;
    },

    async repository(fullName) {
      const [owner = "", name = ""] = fullName.split("/");
      const answer = await ask({ path: `/repos/${fullName}`, token: personToken });
      const branch = await ask({ path: `/repos/${fullName}/git/ref/heads/main`, token: personToken });
      // The shapes are GitHub's; a seeded repository has both.
      const { id, node_id: nodeId } = (await answer.json()) as { id: number; node_id: string };
      const { object } = (await branch.json()) as { object: { sha: string } };
      return { id, nodeId, owner, name, head: object.sha };
    },

    async close() {
      await emulator.close();
      await webhooks.close();
    },
  };
}

function seedFor(webhookUrl: string) {
  return {
    tokens: { [personToken]: { login: "ana", scopes: ["repo", "admin:org"] } },
    github: {
      users: [{ login: "ana" }, { login: "bo" }],
      orgs: [{ login: "acme", members: [{ login: "ana", role: "admin" }] }, { login: "initech" }],
      repos: ["acme/api", "acme/web", "ana/dotfiles"].map((fullName) => {
        const [owner, name] = fullName.split("/");
        return { owner, name, private: true };
      }),
      apps: [
        {
          app_id: Number(appId),
          slug: "octobatch",
          name: "Octobatch",
          permissions: { contents: "write", pull_requests: "write", issues: "write", members: "read" },
          events: ["create", "push", "pull_request"],
          webhook_url: webhookUrl,
          webhook_secret: webhookSecret,
          installations: [
            { installation_id: 101, account: "acme" },
            { installation_id: 102, account: "ana" },
          ],
        },
      ],
    },
  };
}
