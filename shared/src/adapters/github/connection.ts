import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../ports/clock.ts";
import type { Pacing } from "../../ports/pacing.ts";
import { createAsk, type Ask } from "./ask.ts";
import { createApis, octokitFor, type Apis, type GitHubLogger } from "./octokit.ts";
import type { GitHubRequestRecord } from "./request-record.ts";
import { createTransport, type Transport } from "./transport.ts";
import { createTurns, type Turns } from "./turns.ts";
import { webUrlOf } from "./web-url.ts";

/** How GitHub is reached, whoever asks. */
export interface GitHubOptions {
  /** `https://api.github.com`, or `https://HOST/api/v3` on GitHub Enterprise Server. */
  readonly apiUrl: string;
  readonly clock: Clock;
  /** How long one request may take; GitHub itself gives up after 10 s. */
  readonly timeoutMs: number;
  /** The budgets shared with all other processes; without it, only GitHub's own refusals slow us down. */
  readonly pacing?: Pacing;
  /** Brings proxies and certificates of its own, as `createOutboundFetch` makes one. */
  readonly fetch?: typeof fetch;
  readonly userAgent?: string;
  readonly logger?: GitHubLogger;
  /** Told of every HTTP request, those for tokens and those repeated included. */
  readonly onRequest?: (record: GitHubRequestRecord) => void;
  /** Waits before a read is sent again, and for a turn that is near. */
  readonly sleep?: (ms: number) => Promise<unknown>;
}

/** What everybody who asks GitHub shares. */
export interface GitHubConnection {
  /** Where people open this GitHub, without a trailing slash. */
  readonly webUrl: string;
  readonly clock: Clock;
  readonly logger: GitHubLogger;
  readonly ask: Ask;
  readonly turns: Turns;
  readonly transport: Transport;
  readonly apis: Apis;
  readonly Octokit: ReturnType<typeof octokitFor>;
}

/** Asks nothing yet. @throws TypeError when `apiUrl` is no URL. */
export function connectToGitHub(options: GitHubOptions): GitHubConnection {
  const { clock, userAgent = "octobatch", logger = { warn: () => {} } } = options;
  const apiUrl = options.apiUrl.replace(/\/+$/, "");
  const webUrl = webUrlOf(apiUrl);
  const pause = async (ms: number) => void (await (options.sleep ?? sleep)(ms));
  const turns = createTurns({ pacing: options.pacing, clock, sleep: pause, logger });
  const transport = createTransport({
    fetch: options.fetch ?? fetch,
    clock,
    timeoutMs: options.timeoutMs,
    turns,
    logger,
    onRequest: options.onRequest ?? (() => {}),
  });
  const ask = createAsk({ clock, webUrl, logger, sleep: pause });
  const Octokit = octokitFor({ apiUrl, userAgent, logger });
  return { webUrl, clock, logger, ask, turns, transport, apis: createApis(Octokit), Octokit };
}
