import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../ports/clock.ts";
import type { CodeHost } from "../../ports/code-host.ts";
import { createApp } from "./app.ts";
import { createAsk } from "./ask.ts";
import { branches } from "./branches.ts";
import { createClient, purposeIn } from "./client.ts";
import { gitData } from "./git-data.ts";
import { createInstallations } from "./installations.ts";
import type { GitHubLogger } from "./octokit.ts";
import { pullRequests } from "./pull-requests.ts";
import { repositories } from "./repositories.ts";
import { createTransport, type GitHubRequestRecord } from "./transport.ts";
import { webUrlOf } from "./web-url.ts";

export interface GitHubCodeHostOptions {
  /** `https://api.github.com`, or `https://HOST/api/v3` on GitHub Enterprise Server. */
  readonly apiUrl: string;
  readonly appId: string;
  /** The App's private key in PEM format. */
  readonly privateKey: string;
  readonly clock: Clock;
  /** How long one request may take; GitHub itself gives up after 10 s. */
  readonly timeoutMs: number;
  /** Brings proxies and certificates of its own. */
  readonly fetch?: typeof fetch;
  readonly userAgent?: string;
  readonly logger?: GitHubLogger;
  /** Told of every HTTP request, those for tokens and those repeated included. */
  readonly onRequest?: (record: GitHubRequestRecord) => void;
  /** Waits before a read is sent again. */
  readonly sleep?: (ms: number) => Promise<unknown>;
}

/** A checkout may take a while, and nobody can give it a new token on the way. */
const gitTokenLastsMs = 10 * 60_000;

/**
 * GitHub, github.com or Enterprise Server, as a GitHub App sees it.
 *
 * No token, key or Authorization header appears in an error, its causes, a log line or a request record.
 *
 * @throws CodeHostRefused with `kind: "bad-credentials"` when the private key is none.
 * @throws TypeError when `apiUrl` is no URL.
 */
export function createGitHubCodeHost(options: GitHubCodeHostOptions): CodeHost {
  const { clock, appId, privateKey, userAgent = "octobatch", logger = { warn: () => {} } } = options;
  const apiUrl = options.apiUrl.replace(/\/+$/, "");
  const webUrl = webUrlOf(apiUrl);
  const transport = createTransport({
    fetch: options.fetch ?? fetch,
    clock,
    timeoutMs: options.timeoutMs,
    onRequest: options.onRequest ?? (() => {}),
  });
  const octokit = { apiUrl, userAgent, fetch: transport, logger };
  const ask = createAsk({ clock, webUrl, logger, sleep: async (ms) => void (await (options.sleep ?? sleep)(ms)) });
  const app = createApp({ ...octokit, appId, privateKey, clock, ask });
  const installations = createInstallations({ app, clock });
  const client = createClient({ ...octokit, ask, installations });

  return {
    ...repositories(client),
    ...gitData(client),
    ...branches(client),
    ...pullRequests(client),

    installations: () => installations.list(),

    async gitAccess(repository) {
      const { owner, name, id } = repository;
      const scope = { repositoryIds: [id], permissions: { contents: "read" } } as const;
      const purpose = purposeIn(repository, "get access to");
      const { token } = await installations.token(purpose, { scope, validForMs: gitTokenLastsMs });
      return { url: `${webUrl}/${owner}/${name}.git`, token };
    },

    async check() {
      await app.read({ doing: "sign in to GitHub as the App" }, ({ request }) => request("GET /app"));
    },
  };
}
