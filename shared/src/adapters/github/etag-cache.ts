import type { RequestTraits } from "./request-traits.ts";

/** An answer that GitHub may confirm with a 304, which costs nothing of the primary budget. */
export interface KeptAnswer {
  readonly etag: string;
  readonly headers: Headers;
  readonly text: string;
}

/** Answers by installation and URL, as many as `maxBytes` holds: what was not used for longest is dropped first. */
export interface EtagCache {
  find(installation: string, url: URL): KeptAnswer | undefined;
  keep(installation: string, url: URL, answer: KeptAnswer): void;
}

/** Larger ones are rare, and would crowd out many others. */
const maxAnswerLength = 128 * 1024;

/** Reads that a campaign repeats while little changes; all others are made once, or hold what changes all the time. */
const worthKeeping: ReadonlySet<string> = new Set([
  "GET /repos/{owner}/{repo}",
  "GET /repos/{owner}/{repo}/git/ref/{ref}",
  "GET /repos/{owner}/{repo}/pulls",
  "GET /repos/{owner}/{repo}/pulls/{number}",
]);

export function isWorthKeeping({ operation }: RequestTraits): boolean {
  return worthKeeping.has(operation);
}

export function createEtagCache({ maxBytes }: { readonly maxBytes: number }): EtagCache {
  /** In the order of their use, which a Map keeps. */
  const kept = new Map<string, KeptAnswer>();
  let bytes = 0;

  const drop = (key: string): void => {
    const answer = kept.get(key);
    if (!answer) return;
    bytes -= sizeOf(key, answer);
    kept.delete(key);
  };

  return {
    find(installation, url) {
      const key = keyOf(installation, url);
      const answer = kept.get(key);
      if (!answer) return undefined;
      kept.delete(key);
      kept.set(key, answer);
      return answer;
    },

    keep(installation, url, answer) {
      const key = keyOf(installation, url);
      drop(key);
      if (answer.text.length > maxAnswerLength) return;
      kept.set(key, answer);
      bytes += sizeOf(key, answer);
      for (const oldest of kept.keys()) {
        if (bytes <= maxBytes) break;
        drop(oldest);
      }
    },
  };
}

/** What one installation may see, another may not. */
function keyOf(installation: string, url: URL): string {
  return `${installation} ${url.href}`;
}

/** JavaScript keeps up to two bytes a character; headers are about a kilobyte. */
function sizeOf(key: string, { text }: KeptAnswer): number {
  return 2 * (key.length + text.length) + 1024;
}
