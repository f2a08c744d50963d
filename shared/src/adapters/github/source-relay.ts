import type { IncomingMessage } from "node:http";
import type { Clock } from "../../ports/clock.ts";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable, type RepositoryRef } from "../../ports/code-host.ts";
import type { HostTokens } from "../../ports/host-tokens.ts";
import type { SourceRelay } from "../../ports/source-relay.ts";
import { fingerprintOf } from "../../tokens/fingerprint.ts";
import { reasonOf, sendGitRequest, type GitRequest, type WayToGit } from "../git/git-request.ts";
import { createGitAccess } from "./git-access.ts";
import { silentWaitMs } from "./rate-limits.ts";
import { webUrlOf } from "./web-url.ts";

/** Version 2 tells what it can do in some hundred bytes; a list of all refs, which may be huge, is version 0. */
const mostAdvertisedBytes = 64 * 1024;

export interface SourceRelayOptions {
  readonly tokens: HostTokens;
  readonly apiUrl: string;
  readonly clock: Clock;
  readonly way: WayToGit;
}

/** One request to a repository's git server. */
interface Asked extends Omit<GitRequest, "url" | "authorization"> {
  readonly path: string;
}

interface Access {
  readonly url: string;
  readonly token: string;
}

/**
 * Reads repositories of GitHub over smart HTTP (https://git-scm.com/docs/gitprotocol-http), each with a token for that
 * repository alone which may read its contents; one that is not accepted is replaced once. The token goes to GitHub's own address, over TLS or to this machine.
 */
export function createGitHubSourceRelay({ tokens, apiUrl, clock, way }: SourceRelayOptions): SourceRelay {
  const gitAccess = createGitAccess(tokens, webUrlOf(apiUrl));

  async function ask(repository: RepositoryRef, asked: Asked): Promise<IncomingMessage> {
    const access = await gitAccess(repository);
    let answer = await askWith(access, repository, asked);
    if (answer.statusCode === 401) {
      // The token was revoked. Nothing was read, so another is tried at once.
      answer.destroy();
      const refused = fingerprintOf(access.token);
      answer = await askWith(await gitAccess(repository, { refused }), repository, asked);
    }
    if (answer.statusCode === 200 && answer.headers["content-type"] === asked.type) return answer;
    answer.destroy();
    throw refusalOf(answer, repository, clock.now());
  }

  async function askWith({ url, token }: Access, repository: RepositoryRef, asked: Asked): Promise<IncomingMessage> {
    const target = new URL(`${url}/${asked.path}`);
    refuseInTheClear(target);
    const authorization = `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
    const request = { ...asked, url: target, authorization };
    return sendGitRequest(way, request).catch((error: unknown) => {
      throw asked.signal.aborted ? asked.signal.reason : unreadable(repository, error);
    });
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

function nameOf({ owner, name }: RepositoryRef): string {
  return `${owner}/${name}`;
}
