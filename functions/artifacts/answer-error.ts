import type { Context } from "hono";
import { TooSlow } from "#shared/artifacts/timely.ts";
import { BlobMismatch, BlobNotFound, BlobStoreUnavailable, BlobTooLarge } from "#shared/ports/blob-store.ts";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import type { Logger } from "#shared/runtime/logger.ts";

const statusOf = {
  "invalid-request": 400,
  unauthorized: 401,
  forbidden: 403,
  "not-found": 404,
  "method-not-allowed": 405,
  "too-slow": 408,
  conflict: 409,
  /** Nobody waits any more for what this Job does. */
  gone: 410,
  "length-required": 411,
  "too-large": 413,
  mismatch: 422,
  internal: 500,
  busy: 503,
  unavailable: 503,
} as const;

type Code = keyof typeof statusOf;

/** Why a Job gets nothing. The message is for the people who read the Job's log. */
export class Denied extends Error {
  override readonly name = "Denied";
  readonly code: Code;
  constructor(code: Code, message: string) {
    super(message);
    this.code = code;
  }
}

/** How soon a Job may ask again when there is no room, in seconds. */
const busySeconds = 5;

/** Turns what was thrown into an answer. Git shows its user plain text; everything else gets JSON. */
export function answerError(error: Error, context: Context, log: Logger): Response {
  const { code, message } = judge(error);
  const status = statusOf[code];
  const about = { path: context.req.path, status };
  if (code === "internal") log.error({ ...about, err: error }, error.message);
  else if (code === "unavailable") log.warn({ ...about, err: error }, error.message);
  else log.info(about, `refused a Job: ${message}`);
  if (code === "unauthorized") context.header("www-authenticate", "Bearer");
  if (status === 503) context.header("retry-after", String(busySeconds));
  // Of a body that comes too slowly the rest is not waited for.
  if (code === "too-slow") context.header("connection", "close");
  return context.req.path.includes("/source.git/")
    ? context.text(`${message}\n`, status)
    : context.json({ error: { code, message } }, status);
}

function judge(error: Error): { readonly code: Code; readonly message: string } {
  const { message } = error;
  if (error instanceof Denied) return { code: error.code, message };
  if (error instanceof TooSlow) return { code: "too-slow", message };
  if (error instanceof BlobNotFound) return { code: "not-found", message };
  if (error instanceof BlobTooLarge) return { code: "too-large", message };
  if (error instanceof BlobMismatch) return { code: "mismatch", message };
  // Of the code host, not of this function: git takes both for the end of its attempt.
  if (error instanceof CodeHostRefused)
    return { code: error.kind === "not-found" ? "not-found" : "forbidden", message };
  if (error instanceof CodeHostBusy) return { code: "busy", message };
  if (error instanceof CodeHostUnavailable || error instanceof BlobStoreUnavailable) {
    return { code: "unavailable", message };
  }
  return { code: "internal", message: "Something went wrong here; the log of the artifacts function says what." };
}
