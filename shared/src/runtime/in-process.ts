import { unlessAborted } from "#shared/unless-aborted.ts";
import type { Endpoint } from "./function-endpoint.ts";

export interface InProcess {
  /** Hands requests to the origin straight to its endpoint; all others go out. */
  readonly fetch: typeof globalThis.fetch;
  /** Takes no more requests, and lets those under way finish for up to `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/**
 * Spares requests within this process the way through a connection. To both sides they are as over HTTP: an endpoint that
 * throws answers 500, whoever gives up waiting goes away while the endpoint works on, and nobody answers when it is closed.
 */
export function createInProcess(endpoint: Endpoint, origin: () => string): InProcess {
  const underWay = new Set<Promise<Response>>();
  let isClosed = false;

  async function answerTo(request: Request): Promise<Response> {
    try {
      return await endpoint(request);
    } catch {
      return new Response(null, { status: 500 });
    }
  }

  return {
    async fetch(input, init) {
      const url = new URL(input instanceof Request ? input.url : input);
      if (url.origin !== origin()) return globalThis.fetch(input, init);
      if (isClosed) throw new TypeError("fetch failed", { cause: new Error(`${url.host} is closed`) });
      const signal = init?.signal ?? undefined;
      signal?.throwIfAborted();
      const { signal: _, ...rest } = init ?? {};
      const answer = answerTo(new Request(input, rest)).finally(() => underWay.delete(answer));
      underWay.add(answer);
      return signal === undefined ? answer : unlessAborted(signal, answer);
    },
    async close(graceMs) {
      isClosed = true;
      const { promise: grace, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, graceMs);
      await Promise.race([Promise.all(underWay), grace]);
      clearTimeout(timer);
    },
  };
}
