import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import type { Clock } from "../../ports/clock.ts";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable, type RepositoryRef } from "../../ports/code-host.ts";
import type { HostTokens } from "../../ports/host-tokens.ts";
import type { SourceRelay } from "../../ports/source-relay.ts";
import { createGitAccess } from "./git-access.ts";
import type { OutboundAgents } from "./outbound-fetch.ts";
import { silentWaitMs } from "./rate-limits.ts";
import { webUrlOf } from "./web-url.ts";

/** Version 2 tells what it can do in some hundred bytes; a list of all refs, which may be huge, is version 0. */
const mostAdvertisedBytes = 64 * 1024;

export interface SourceRelayOptions {
  readonly tokens: HostTokens;
  readonly apiUrl: string;
  readonly clock: Clock;
  /** How it is reached: proxies and certificates. */
  readonly agents: OutboundAgents;
  /** How long GitHub may say nothing. */
  readonly timeoutMs: number;
}

/** One request to a repository's git server; what goes out is fixed here, but for the body and how it is compressed. */
interface Asked {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** What the answer has to be. */
  readonly type: string;
  readonly body?: Uint8Array;
  readonly contentEncoding?: "gzip" | undefined;
  readonly signal: AbortSignal;
}

/**
 * Reads repositories of GitHub over smart HTTP (https://git-scm.com/docs/gitprotocol-http), each with a token for that
 * repository alone which may read its contents. The token goes to GitHub's own address, over TLS or to this machine.
 */
export function createGitHubSourceRelay(options: SourceRelayOptions): SourceRelay {
  const { tokens, apiUrl, clock } = options;
  const gitAccess = createGitAccess(tokens, webUrlOf(apiUrl));

  async function ask(repository: RepositoryRef, asked: Asked): Promise<IncomingMessage> {
    const { url, token } = await gitAccess(repository);
    const target = new URL(`${url}/${asked.path}`);
    refuseInTheClear(target);
    const answer = await exchange(options, target, token, asked).catch((error: unknown) => {
      throw asked.signal.aborted ? asked.signal.reason : unreadable(repository, error);
    });
    if (answer.statusCode === 200 && answer.headers["content-type"] === asked.type) return answer;
    answer.destroy();
    throw refusalOf(answer, repository, clock.now());
  }

  /** The answer in pieces; leaving early ends it. */
  async function* read(answer: IncomingMessage, repository: RepositoryRef, signal: AbortSignal) {
    try {
      // Without an encoding set, an answer yields buffers.
      for await (const piece of answer as AsyncIterable<Buffer>) yield piece;
    } catch (error) {
      throw signal.aborted ? signal.reason : unreadable(repository, error);
    } finally {
      answer.destroy();
    }
  }

  return {
    async advertise(repository, signal) {
      const type = "application/x-git-upload-pack-advertisement";
      const path = "info/refs?service=git-upload-pack";
      const answer = await ask(repository, { method: "GET", path, type, signal });
      const pieces: Uint8Array[] = [];
      let sizeBytes = 0;
      for await (const piece of read(answer, repository, signal)) {
        sizeBytes += piece.byteLength;
        if (sizeBytes > mostAdvertisedBytes) break;
        pieces.push(piece);
      }
      const advertised = Buffer.concat(pieces);
      if (sizeBytes <= mostAdvertisedBytes && advertised.includes("000eversion 2\n")) return advertised;
      throw new CodeHostRefused("invalid", `${nameOf(repository)} is not served by git's protocol version 2.`);
    },

    async uploadPack(repository, { body, contentEncoding, signal }) {
      const type = "application/x-git-upload-pack-result";
      const asked = { method: "POST", path: "git-upload-pack", type, body, contentEncoding, signal } as const;
      return read(await ask(repository, asked), repository, signal);
    },

    check: () => tokens.check(),
  };
}

/** Sends a request, and answers as soon as its answer begins. */
async function exchange(
  { agents, timeoutMs }: SourceRelayOptions,
  url: URL,
  token: string,
  { method, type, body, contentEncoding, signal }: Asked,
): Promise<IncomingMessage> {
  const isTls = url.protocol === "https:";
  const request = (isTls ? requestHttps : requestHttp)(url, {
    agent: isTls ? agents.https : agents.http,
    method,
    signal,
    headers: {
      authorization: `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`,
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
  request.setTimeout(timeoutMs, () => request.destroy(new Error(`nothing came for ${timeoutMs / 1000} s`)));
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    // Not once: after an answer has begun, it is the answer that breaks off.
    request.on("error", reject);
    request.end(body);
  });
}

/** @throws CodeHostRefused for an address at which others on the network could read the token. */
function refuseInTheClear({ protocol, hostname, origin }: URL): void {
  if (protocol === "https:" || ["127.0.0.1", "[::1]", "localhost"].includes(hostname)) return;
  throw new CodeHostRefused("invalid", `${origin} is not HTTPS; a token is sent in the clear only to this machine.`);
}

/** What an answer says that is not the one asked for; nothing of its body is told, for it is not ours to judge. */
function refusalOf({ statusCode = 0, headers }: IncomingMessage, repository: RepositoryRef, now: Date): Error {
  const name = nameOf(repository);
  const retryAfter = Number(headers["retry-after"] ?? Number.NaN);
  if (statusCode === 429 || (statusCode === 403 && Number.isFinite(retryAfter))) {
    const waitMs = Number.isFinite(retryAfter) ? retryAfter * 1000 : silentWaitMs;
    return new CodeHostBusy(`GitHub asks to wait before ${name} is read.`, new Date(now.getTime() + waitMs));
  }
  if (statusCode === 404 || statusCode === 403) {
    const remedy = "Check that the App is still installed on it with read access to contents.";
    return new CodeHostRefused("not-found", `${name} cannot be read: GitHub answered ${statusCode}. ${remedy}`);
  }
  if (statusCode >= 300 && statusCode < 400) {
    return new CodeHostRefused("not-found", `${name} has moved. Preview the campaign again.`);
  }
  return new CodeHostUnavailable(`${name} could not be read: GitHub answered ${statusCode}, not what git expects.`);
}

function unreadable(repository: RepositoryRef, error: unknown): CodeHostUnavailable {
  return new CodeHostUnavailable(`${nameOf(repository)} could not be read: ${reasonOf(error)}.`);
}

/** Node's words for a broken connection; an error's other properties may hold what was sent. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error ? `${error.message} (${String(error.code)})` : error.message;
}

function nameOf({ owner, name }: RepositoryRef): string {
  return `${owner}/${name}`;
}
