import { request as requestHttp, Agent as HttpAgent } from "node:http";
import { request as requestHttps, Agent as HttpsAgent } from "node:https";
import { text } from "node:stream/consumers";
import { getCACertificates } from "node:tls";
import { untilConnected } from "./until-connected.ts";

/** How this machine reaches GitHub. */
export interface OutboundSettings {
  /** Such as `http://proxy.example.com:3128`, with `user:password@` where it asks for it. */
  readonly httpsProxy?: string | undefined;
  /** For a GitHub without TLS, in tests. */
  readonly httpProxy?: string | undefined;
  /** Hosts that are reached directly, separated by commas: `localhost,.example.com,10.0.0.0`. */
  readonly noProxy?: string | undefined;
  /** Certificates in PEM format that are trusted besides those of Node and of NODE_EXTRA_CA_CERTS. */
  readonly extraCertificates?: string | undefined;
}

/** Within so long a connection has to come about, through a proxy too, whatever the caller's signal allows. */
const connectMs = 30_000;

/** Connections to GitHub, kept open between requests. */
export interface OutboundAgents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/**
 * Agents that go through a proxy and trust certificates of one's own: Node's `http` takes both as arguments (`proxyEnv` of
 * an Agent, https://nodejs.org/api/http.html#new-agentoptions).
 */
export function createOutboundAgents(settings: OutboundSettings): OutboundAgents {
  const { httpsProxy, httpProxy, noProxy, extraCertificates } = settings;
  const proxyEnv = {
    ...(httpsProxy && { HTTPS_PROXY: httpsProxy }),
    ...(httpProxy && { HTTP_PROXY: httpProxy }),
    ...(noProxy && { NO_PROXY: noProxy }),
  };
  return {
    http: new HttpAgent({ keepAlive: true, proxyEnv }),
    https: new HttpsAgent({
      keepAlive: true,
      proxyEnv,
      ...(extraCertificates && { ca: [...getCACertificates("default"), extraCertificates] }),
    }),
  };
}

/**
 * A fetch over such agents. Node's own takes neither proxy nor certificates as an argument, so this needs no further
 * package and changes nothing for the rest of the process.
 *
 * It does what our transport asks for: a text goes out, an answer comes back once it is complete, redirects are left to
 * the caller.
 *
 * @throws TypeError from the fetch, with the reason as its cause, when no answer comes.
 */
export function createOutboundFetch(settings: OutboundSettings): typeof fetch {
  const agents = createOutboundAgents(settings);

  return (input, init = {}) =>
    new Promise((resolve, reject) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const isTls = url.protocol === "https:";
      const body = typeof init.body === "string" ? Buffer.from(init.body) : undefined;
      const options = {
        agent: isTls ? agents.https : agents.http,
        method: init.method ?? "GET",
        // This closes the connection to a proxy that says nothing.
        timeout: connectMs,
        headers: {
          accept: "*/*",
          ...Object.fromEntries(new Headers(init.headers)),
          ...(body && { "content-length": body.byteLength }),
        },
        ...(init.signal && { signal: init.signal }),
      };
      // An aborted request ends with the signal's own reason, as that of Node's fetch does.
      const fail = (error: unknown): void =>
        reject(init.signal?.aborted ? init.signal.reason : new TypeError("fetch failed", { cause: error }));
      const request = (isTls ? requestHttps : requestHttp)(url, options, (response) => {
        text(response).then((text) => {
          const status = response.statusCode ?? 0;
          const isEmpty = [204, 205, 304].includes(status);
          const headers = new Headers();
          for (const [name, value] of Object.entries(response.headers)) {
            for (const each of [value ?? []].flat()) headers.append(name, each);
          }
          resolve(new Response(isEmpty ? null : text, { status, headers }));
        }, fail);
      });
      request.on("error", fail);
      untilConnected(request, { ms: connectMs, signal: init.signal }, fail);
      request.end(body);
    });
}
