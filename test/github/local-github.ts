import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Faults } from "./faults/faults.ts";
import { Lags } from "./faults/lags.ts";
import type { Front } from "./http/front.ts";
import { frontServer } from "./http/server.ts";
import type { RatePeaks } from "./limits/account-rates.ts";
import type { LimitsSetting } from "./limits/github-limits.ts";
import { RateLimits, type RateRefusal } from "./limits/rate-limits.ts";
import { CodeIndex } from "./search/code-index.ts";
import type { LoggedRequest } from "./http/requests-log.ts";
import { generateApp, type AppOptions } from "./app-identity.ts";
import { Arrangements } from "./arrangements.ts";
import { hasOperation } from "./rest/rest-api.ts";
import { Locks, Urls, type Site, type TreeLimit } from "./site.ts";
import { newUser } from "./state/account.ts";
import { World, type Clock } from "./state/world.ts";
import { openApiDocument } from "./validation/openapi-document.ts";
import { RestValidation, type Violation } from "./validation/rest-validation.ts";
import { WebhookFaults } from "./webhooks/webhook-faults.ts";
import { Webhooks } from "./webhooks/webhooks.ts";

/** https://docs.github.com/en/rest/git/trees#get-a-tree */
const mostTreeEntries = 100_000;

export interface LocalGitHubOptions {
  /** Where the bare repositories live; it is made when it is not there. */
  readonly directory: string;
  /** 0, the default, takes any that is free. */
  readonly port?: number;
  /** The machine's own time by default. */
  readonly clock?: Clock;
  /** What is left out is generated. */
  readonly app?: AppOptions;
  /** Where webhooks go; none are sent while there is no URL. */
  readonly webhookUrl?: string;
  /** Checks every REST request and response against GitHub's OpenAPI description; see `violations()`. */
  readonly validate?: boolean;
  /** Rate limits; `off` by default: everything is counted and nothing refused. `documentedLimits` are github.com's. */
  readonly limits?: LimitsSetting;
  /** Of the faults that have a chance; 1 by default. The same seed hits the same requests again. */
  readonly seed?: number;
  /** Gets a line for each request. */
  readonly log?: (line: string) => void;
}

/**
 * A GitHub on this machine: REST, GraphQL and git over real bare repositories, laid out as GitHub Enterprise Server is.
 * Everything but the git objects is in memory.
 */
export class LocalGitHub extends Arrangements {
  /** For people and git. */
  readonly url: string;
  /** REST; GraphQL is at `<url>/api/graphql`. */
  readonly apiUrl: string;
  /** Every request so far, in the order they were answered. */
  readonly requests: readonly LoggedRequest[];
  readonly rates: RateLimits;
  /** What is to go wrong with requests. */
  readonly faults: Faults;
  /** Which reads are to show writes late. */
  readonly lags: Lags;
  /** What is to go wrong with deliveries to the App's webhook. */
  readonly webhookFaults: WebhookFaults;
  /** What code search knows. */
  readonly codeIndex: CodeIndex;
  /** After how many entries a listing of a tree is truncated: 100,000, as GitHub's. */
  readonly trees: TreeLimit;
  readonly #close: () => Promise<void>;
  readonly #validation: RestValidation | undefined;

  constructor(front: Front, directory: string, webhookFaults: WebhookFaults, close: () => Promise<void>) {
    super(front.site, directory);
    this.url = front.site.urls.root;
    this.apiUrl = front.site.urls.api;
    this.requests = front.requests;
    this.rates = front.rates;
    this.faults = front.faults;
    this.lags = front.site.lags;
    this.webhookFaults = webhookFaults;
    this.codeIndex = front.site.codeIndex;
    this.trees = front.site.trees;
    this.#validation = front.validation;
    this.#close = close;
  }

  /** Changes the limits without notice; what has been counted stays counted. */
  setLimits(limits: LimitsSetting): void {
    this.rates.setting = limits;
  }

  /** Every request that was refused for a limit, oldest first. */
  get rateRefusals(): readonly RateRefusal[] {
    return this.rates.refusals;
  }

  /**
   * The most that the installation of an account has ever asked for at once; above a limit, the limit was passed.
   * @throws Error when the App is not installed there
   */
  peaks(login: string): RatePeaks {
    return this.rates.peaks(`installation ${this.installation(login).id}`);
  }

  /** What the OpenAPI description does not allow, of all requests and responses so far. */
  violations(): readonly Violation[] {
    if (this.#validation === undefined)
      throw new Error("Start the local GitHub with { validate: true } to have it check.");
    return this.#validation.violations;
  }

  /** Stops listening, waits for webhooks under way, and ends every git process. */
  async close(): Promise<void> {
    await this.#close();
  }
}

/** Starts a local GitHub on 127.0.0.1. @throws Error with code EADDRINUSE when the port is taken */
export async function startGitHub(options: LocalGitHubOptions): Promise<LocalGitHub> {
  const clock = options.clock ?? { now: () => new Date() };
  const validation = options.validate === true ? new RestValidation(await openApiDocument()) : undefined;
  const ready: { front?: Front } = {};
  const server = frontServer(() => {
    if (ready.front === undefined) throw new Error("A request came before the local GitHub was ready.");
    return ready.front;
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  // A TCP server's address is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  const world = new World(clock, await generateApp(options.app), newUser(1, "app-owner", clock.now()));
  const urls = new Urls(`http://127.0.0.1:${port}`);
  const seed = options.seed ?? 1;
  const webhookFaults = new WebhookFaults(seed);
  const webhooks = new Webhooks(world, urls, options.webhookUrl, webhookFaults);
  const lags = new Lags(clock, seed);
  const trees = { entries: mostTreeEntries };
  const site: Site = { world, urls, webhooks, locks: new Locks(), lags, codeIndex: new CodeIndex(), trees };
  const front: Front = {
    site,
    rates: new RateLimits(world, options.limits ?? "off"),
    faults: new Faults(seed, hasOperation),
    validation,
    requests: [],
    log: options.log ?? (() => undefined),
  };
  ready.front = front;
  return new LocalGitHub(front, options.directory, webhookFaults, async () => {
    server.close();
    server.closeAllConnections();
    await webhooks.settled();
    await world.pool.close();
  });
}
