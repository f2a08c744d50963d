import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../ports/clock.ts";
import type { CodeHost, Urgency } from "../../ports/code-host.ts";
import type { Pacing } from "../../ports/pacing.ts";
import { createApp } from "./app.ts";
import { createAsk } from "./ask.ts";
import { branches } from "./branches.ts";
import { createClient, purposeIn } from "./client.ts";
import { codeSearch } from "./code-search.ts";
import { gitData } from "./git-data.ts";
import { createInstallations } from "./installations.ts";
import type { GitHubLogger } from "./octokit.ts";
import { pullRequests } from "./pull-requests.ts";
import { repositories } from "./repositories.ts";
import type { GitHubRequestRecord } from "./request-counters.ts";
import { createRequestMeter, type RequestMeter } from "./request-meter.ts";
import { search } from "./search.ts";
import { createTransport } from "./transport.ts";
import { createTurns } from "./turns.ts";
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
  /** The budgets shared with all other processes; without it, only GitHub's own refusals slow us down. */
  readonly pacing?: Pacing;
  /** Brings proxies and certificates of its own, as `createOutboundFetch` makes one. */
  readonly fetch?: typeof fetch;
  readonly userAgent?: string;
  readonly logger?: GitHubLogger;
  /** Told of every HTTP request, those for tokens and those repeated included: `createGitHubRequestCounters` counts them. */
  readonly onRequest?: (record: GitHubRequestRecord) => void;
  /** Waits before a read is sent again, and for a turn that is near. */
  readonly sleep?: (ms: number) => Promise<unknown>;
}

/** A checkout may take a while, and nobody can give it a new token on the way. */
const gitTokenLastsMs = 10 * 60_000;

/**
 * GitHub, github.com or Enterprise Server, as a GitHub App sees it.
 *
 * Every HTTP request takes a turn of `pacing` first: it waits here for up to two seconds, else the work is told when to
 * come back by CodeHostBusy, and nothing was sent.
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
  const pause = async (ms: number) => void (await (options.sleep ?? sleep)(ms));
  const transport = createTransport({
    fetch: options.fetch ?? fetch,
    clock,
    timeoutMs: options.timeoutMs,
    turns: createTurns({ pacing: options.pacing, clock, sleep: pause, logger }),
    logger,
    onRequest: options.onRequest ?? (() => {}),
  });
  // The App has a budget of its own, for tokens and for what it asks by its key: little, and others wait for it.
  const asApp = transport({ installation: `app ${appId}`, urgency: "interactive" });
  const octokit = { apiUrl, userAgent, fetch: asApp, logger };
  const ask = createAsk({ clock, webUrl, logger, sleep: pause });
  const app = createApp({ ...octokit, appId, privateKey, clock, ask });
  const installations = createInstallations({ app, clock });

  const codeHost = (caller: { readonly urgency: Urgency; readonly meter?: RequestMeter }): CodeHost => {
    const client = createClient({ ...octokit, ask, installations, transport }, caller);
    return {
      ...repositories(client),
      ...search(client, clock),
      ...codeSearch(client),
      ...gitData(client),
      ...branches(client),
      ...pullRequests(client),

      withUrgency: (urgency) => codeHost({ ...caller, urgency }),

      measured() {
        const meter = createRequestMeter();
        return { codeHost: codeHost({ ...caller, meter }), cost: meter.cost };
      },

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
  };
  return codeHost({ urgency: "publish" });
}
