import { timely } from "#shared/artifacts/timely.ts";
import { Denied } from "./answer-error.ts";
import type { Desk, JobContext } from "./capabilities.ts";

/** A body as its headers announce it. */
export interface AnnouncedBody {
  readonly sizeBytes: number;
  /** Given up when it comes too slowly. Node's parser gives it as long as announced, or breaks it off. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** The body as it comes; reading it throws TooSlow when it comes too slowly. */
export function timelyBody(context: JobContext, { terms, clock }: Desk): AsyncIterable<Uint8Array> {
  return timely(context.req.raw.body ?? nothing(), terms.sending, clock);
}

/**
 * The body of a request that says how long it is; nothing of it has been read.
 * @throws Denied when it does not say so, or is longer than `maxBytes`.
 */
export function announcedBody(context: JobContext, desk: Desk, maxBytes: number): AnnouncedBody {
  const length = context.req.header("content-length");
  if (length === undefined || !/^\d{1,15}$/.test(length)) {
    throw new Denied("length-required", "Say with Content-Length how long the body is.");
  }
  const sizeBytes = Number(length);
  if (sizeBytes > maxBytes) {
    throw new Denied("too-large", `The body has ${sizeBytes} bytes; at most ${maxBytes} are taken here.`);
  }
  return { sizeBytes, bytes: timelyBody(context, desk) };
}

/** The SHA-256 that the request announces, in lower-case hex. @throws Denied when it announces none. */
export function announcedSha256(context: JobContext): string {
  const sha256 = context.req.header("x-octobatch-sha256");
  if (sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256)) return sha256;
  throw new Denied(
    "invalid-request",
    "Say with X-Octobatch-Sha256 the SHA-256 of the body, as 64 hex digits in lower case.",
  );
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
