import type { Clock } from "../../ports/clock.ts";
import { createEtagCache, isWorthKeeping, type EtagCache, type KeptAnswer } from "./etag-cache.ts";
import { exchange, type Exchanged } from "./exchange.ts";
import type { GitHubLogger } from "./octokit.ts";
import type { GitHubRequestRecord } from "./request-record.ts";
import { traitsOf } from "./request-traits.ts";
import type { Caller, Turns } from "./turns.ts";

interface TransportOptions {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** How long one request may take until its body has been read. GitHub itself gives up after 10 s. */
  readonly timeoutMs: number;
  readonly turns: Turns;
  readonly logger: GitHubLogger;
  readonly onRequest: (record: GitHubRequestRecord) => void;
}

/** A fetch for each caller. Everything the product asks GitHub goes through here, each hop of a redirect too. */
export type Transport = (caller: Caller) => typeof fetch;

/** A redirect that is not followed: it would carry a token to another host, or never ends. */
export class RedirectRefused extends Error {
  override readonly name = "RedirectRefused";
}

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 307, 308]);
const maxRedirects = 3;
const etagCacheBytes = 16 * 1024 * 1024;

/**
 * A fetch that takes a turn for each request, gives it a timeout, asks again only for what has changed, reports it, and
 * follows the redirects of renamed repositories.
 *
 * GitHub redirects instead of doing, so the same method and body are sent again to the place it names: for a read
 * (301) and for a write (307) alike. `fetch` alone would turn a redirected POST into a GET.
 * https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
 *
 * @throws NoAnswer on a timeout or a broken connection.
 * @throws NoTurn when the budget has no room soon; nothing was sent.
 * @throws RedirectRefused when a redirect leads to another host.
 */
export function createTransport(options: TransportOptions): Transport {
  const etags = createEtagCache({ maxBytes: etagCacheBytes });
  return (caller) => async (input, init) => {
    const first = new URL(input instanceof Request ? input.url : input);
    let url = first;
    for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
      const answer = await send(options, etags, caller, url, init);
      const location = answer.headers.get("location");
      if (!redirectStatuses.has(answer.status) || location === null) return responseOf(answer, url);
      url = new URL(location, url);
      if (url.origin !== first.origin) {
        throw new RedirectRefused(`redirected from ${first.host} to ${url.host}, which gets no token`);
      }
    }
    throw new RedirectRefused(`redirected more than ${maxRedirects} times`);
  };
}

async function send(
  options: TransportOptions,
  etags: EtagCache,
  caller: Caller,
  url: URL,
  init: RequestInit | undefined,
): Promise<Exchanged> {
  const method = init?.method ?? "GET";
  const traits = traitsOf(method, url, init?.body);
  const isKept = isWorthKeeping(traits);
  const known = isKept ? etags.find(caller.installation, url) : undefined;
  const headers = new Headers(init?.headers);
  if (known) headers.set("if-none-match", known.etag);
  const { installation, urgency } = caller;
  const request = { installation, urgency, method, operation: traits.operation, path: url.pathname };
  let points: number | undefined;
  const answer = await options.turns(caller, traits, async () => {
    try {
      const answer = await reported(options, request, () =>
        exchange({ ...options, resource: traits.resource, url, init: { ...init, method, headers } }),
      );
      points = answer.cost;
      return answer;
    } finally {
      caller.meter?.count(traits, points);
    }
  });
  if (known && answer.status === 304)
    return { ...answer, status: 200, text: known.text, headers: fresh(known, answer) };
  const etag = answer.headers.get("etag");
  if (isKept && answer.status === 200 && etag !== null) {
    etags.keep(caller.installation, url, { etag, headers: answer.headers, text: answer.text });
  }
  return answer;
}

/** Counts and logs a request as it went, whether an answer came or not. */
async function reported(
  { clock, onRequest, logger }: TransportOptions,
  request: Pick<GitHubRequestRecord, "installation" | "urgency" | "method" | "operation" | "path">,
  exchanged: () => Promise<Exchanged>,
): Promise<Exchanged> {
  const startedMs = performance.now();
  const asked = { ...request, startedAt: clock.now() };
  const tell = (record: GitHubRequestRecord): void => {
    onRequest(record);
    logger.debug?.({ ...record }, `Asked GitHub: ${request.operation}`);
  };
  try {
    const answer = await exchanged();
    const { status, requestId, budget } = answer;
    tell({
      ...asked,
      durationMs: performance.now() - startedMs,
      outcome: outcomeOf(answer),
      status,
      ...(requestId !== undefined && { requestId }),
      ...(budget && { budget }),
    });
    return answer;
  } catch (error) {
    tell({ ...asked, durationMs: performance.now() - startedMs, outcome: "no-answer" });
    throw error;
  }
}

function outcomeOf({ status, limitHit, hasErrors }: Exchanged): GitHubRequestRecord["outcome"] {
  if (limitHit) return "limited";
  if (status === 304) return "not-modified";
  if (redirectStatuses.has(status)) return "redirected";
  if (status >= 500) return "failed";
  return status >= 400 || hasErrors ? "refused" : "done";
}

/** A 304 carries the limits of now, and leaves out what describes the body. */
function fresh(known: KeptAnswer, { headers }: Exchanged): Headers {
  const merged = new Headers(known.headers);
  for (const [name, value] of headers) merged.set(name, value);
  return merged;
}

const statusesWithoutBody: ReadonlySet<number> = new Set([204, 205, 304]);

function responseOf({ status, headers, text }: Exchanged, url: URL): Response {
  const response = new Response(statusesWithoutBody.has(status) ? null : text, { status, headers });
  // Where the answer came from tells a renamed repository; a Response that is made by hand has no other way to say so.
  return Object.defineProperty(response, "url", { value: url.href });
}
