import type { Context } from "hono";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import type { Logger } from "#shared/runtime/logger.ts";
import type { TokenErrorAnswer } from "#shared/tokens/token-answer.ts";

type Told = TokenErrorAnswer["error"];
type OwnCode = Exclude<Told["code"], "refused" | "busy">;

const statusOf = {
  unavailable: 503,
  unauthorized: 401,
  forbidden: 403,
  "invalid-request": 400,
  "not-found": 404,
  internal: 500,
} as const satisfies Record<OwnCode, number>;

/** Why a caller gets nothing; the message is for the people who set the function up. */
export class Denied extends Error {
  override readonly name = "Denied";
  readonly code: OwnCode;
  constructor(code: OwnCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Turns what was thrown into an answer: what the code host said keeps its kind and words, the unexpected is logged. */
export function answerError(error: Error, context: Context, log: Logger): Response {
  if (error instanceof CodeHostRefused) {
    log.warn({ kind: error.kind }, error.message);
    return tell(context, 422, { code: "refused", kind: error.kind, message: error.message });
  }
  if (error instanceof CodeHostBusy) {
    return tell(context, 429, { code: "busy", message: error.message, retryAt: error.retryAt });
  }
  if (error instanceof CodeHostUnavailable) {
    log.warn(error.message);
    return tell(context, statusOf.unavailable, { code: "unavailable", message: error.message });
  }
  if (error instanceof Denied) return tell(context, statusOf[error.code], { code: error.code, message: error.message });
  log.error({ err: error, path: context.req.path }, error.message);
  const message = "Something went wrong here; the log of the tokens function says what.";
  return tell(context, statusOf.internal, { code: "internal", message });
}

function tell(context: Context, status: 400 | 401 | 403 | 404 | 422 | 429 | 500 | 503, error: Told): Response {
  if (status === 401) context.header("www-authenticate", "Bearer");
  return context.json({ error } satisfies TokenErrorAnswer, status);
}
