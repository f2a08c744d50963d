import { globalAgent, request as requestHttp, type IncomingMessage } from "node:http";
import { globalAgent as globalTlsAgent, request as requestHttps } from "node:https";
import { codeOf } from "../error-code.ts";
import type { OutboundAgents } from "../github/outbound-fetch.ts";
import { untilConnected } from "../github/until-connected.ts";

/** How git servers are reached. */
export interface WayToGit {
  /** Proxies and certificates. */
  readonly agents: OutboundAgents;
  /** How long a server may say nothing. */
  readonly silentMs: number;
}

/** Straight there, trusting what Node trusts. As git's `http.lowSpeedTime`, a minute of silence ends it. */
export const straightToGit: WayToGit = { agents: { http: globalAgent, https: globalTlsAgent }, silentMs: 60_000 };

/** One request to a repository's git server; what goes out is fixed here, but for the body and how it is compressed. */
export interface GitRequest {
  readonly url: URL;
  readonly authorization: string | undefined;
  readonly method: "GET" | "POST";
  /** What the answer has to be. */
  readonly type: string;
  readonly body?: Uint8Array;
  readonly contentEncoding?: "gzip" | undefined;
  readonly signal: AbortSignal;
}

/**
 * Sends a request of git's smart HTTP, protocol version 2 (https://git-scm.com/docs/gitprotocol-http), and answers as soon
 * as its answer begins. No redirect is followed. It is given up, with the signal's reason or an Error, at once when the
 * signal says so, and when nothing came for as long as the way allows.
 *
 * A connection that was kept open and turns out to be closed is replaced: requests of `git-upload-pack` only read.
 */
export function sendGitRequest(way: WayToGit, asked: GitRequest): Promise<IncomingMessage> {
  const { url, method, authorization, type, body, contentEncoding, signal } = asked;
  const isTls = url.protocol === "https:";
  const request = (isTls ? requestHttps : requestHttp)(url, {
    agent: isTls ? way.agents.https : way.agents.http,
    method,
    signal,
    // A proxy's tunnel has to come about within that too: this is what closes the connection to a proxy that says nothing.
    timeout: way.silentMs,
    headers: {
      ...(authorization !== undefined && { authorization }),
      "git-protocol": "version=2",
      // GitHub answers requests of git by their User-Agent.
      "user-agent": "git/2 (octobatch)",
      accept: type,
      ...(body !== undefined && {
        "content-type": "application/x-git-upload-pack-request",
        "content-length": body.byteLength,
      }),
      ...(contentEncoding !== undefined && { "content-encoding": contentEncoding }),
    },
  });
  request.once("timeout", () => request.destroy(new Error(`nothing came for ${way.silentMs / 1000} s`)));
  return new Promise((resolve, reject) => {
    let hasAnswer = false;
    untilConnected(request, { ms: way.silentMs, signal }, reject);
    request.once("response", (answer) => {
      hasAnswer = true;
      resolve(answer);
    });
    // Not once: after an answer has begun, it is the answer that breaks off.
    request.on("error", (error) => {
      const wasClosed = request.reusedSocket && codeOf(error) === "ECONNRESET";
      if (wasClosed && !hasAnswer && !signal.aborted) resolve(sendGitRequest(way, asked));
      else reject(error);
    });
    request.end(body);
  });
}

/** Node's words for a broken connection; an error's other properties may hold what was sent. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error ? `${error.message} (${String(error.code)})` : error.message;
}
