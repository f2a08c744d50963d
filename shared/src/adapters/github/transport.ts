import type { Clock } from "../../ports/clock.ts";

/** One HTTP request as it went: what a log line, a metric or a pacing budget needs, and nothing that is secret. */
export interface GitHubRequestRecord {
  readonly method: string;
  /** The path without the query. */
  readonly path: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** Absent when no answer came. */
  readonly status?: number;
  /** GitHub's support asks for it. */
  readonly requestId?: string;
  /** The primary budget this request was counted against; absent on GitHub Enterprise Server without limits. */
  readonly budget?: {
    readonly resource: string;
    readonly limit: number;
    readonly remaining: number;
    readonly resetAt: Date;
  };
}

interface TransportOptions {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** How long one request may take until its body has been read. GitHub itself gives up after 10 s. */
  readonly timeoutMs: number;
  readonly onRequest: (record: GitHubRequestRecord) => void;
}

/** No answer came. The message holds the reason's code only: what fetch says may quote a header, and so a token. */
class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** A redirect that is not followed: it would carry a token to another host, or never ends. */
class RedirectRefused extends Error {
  override readonly name = "RedirectRefused";
}

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 307, 308]);
const maxRedirects = 3;

/**
 * A fetch with a timeout that reports each request and follows the redirects of renamed repositories.
 *
 * GitHub redirects instead of doing, so the same method and body are sent again to the place it names: for a read
 * (301) and for a write (307) alike. `fetch` alone would turn a redirected POST into a GET.
 * https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
 *
 * @throws NoAnswer on a timeout or a broken connection.
 * @throws RedirectRefused when a redirect leads to another host.
 */
export function createTransport(options: TransportOptions): typeof fetch {
  return async (input, init) => {
    const first = new URL(input instanceof Request ? input.url : input);
    let url = first;
    for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
      const response = await send(options, url, init);
      const location = response.headers.get("location");
      if (!redirectStatuses.has(response.status) || location === null) return response;
      await response.body?.cancel();
      url = new URL(location, url);
      if (url.origin !== first.origin) {
        throw new RedirectRefused(`redirected from ${first.host} to ${url.host}, which gets no token`);
      }
    }
    throw new RedirectRefused(`redirected more than ${maxRedirects} times`);
  };
}

async function send(options: TransportOptions, url: URL, init: RequestInit | undefined): Promise<Response> {
  const { clock, timeoutMs, onRequest } = options;
  const startedAt = clock.now();
  const startedMs = performance.now();
  const request = { method: init?.method ?? "GET", path: url.pathname, startedAt };
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await options.fetch(url, { ...init, redirect: "manual", signal });
    const requestId = response.headers.get("x-github-request-id");
    const budget = budgetOf(response.headers);
    onRequest({
      ...request,
      durationMs: performance.now() - startedMs,
      status: response.status,
      ...(requestId !== null && { requestId }),
      ...(budget && { budget }),
    });
    return response;
  } catch (error) {
    onRequest({ ...request, durationMs: performance.now() - startedMs });
    throw new NoAnswer(reasonOf(error, timeoutMs));
  }
}

function budgetOf(headers: Headers): GitHubRequestRecord["budget"] {
  const limit = headers.get("x-ratelimit-limit");
  const remaining = headers.get("x-ratelimit-remaining");
  const reset = headers.get("x-ratelimit-reset");
  if (limit === null || remaining === null || reset === null) return undefined;
  return {
    resource: headers.get("x-ratelimit-resource") ?? "core",
    limit: Number(limit),
    remaining: Number(remaining),
    resetAt: new Date(Number(reset) * 1000),
  };
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return "the connection failed";
  if (error.name === "TimeoutError") return `no answer within ${timeoutMs} ms`;
  const cause: unknown = error.cause ?? error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : error.name;
  return `the connection failed (${code})`;
}
