import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { z } from "zod";
import { CampaignHeld } from "#shared/campaign/campaign-store.ts";
import { Conflict, Rejected } from "#shared/errors.ts";
import { BlobNotFound } from "#shared/ports/blob-store.ts";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import { InvalidSpec } from "#shared/spec/invalid-spec.ts";
import type { ErrorBody } from "#shared/api/schemas.ts";
import type { ApiCapabilities } from "./capabilities.ts";

const statusOf = { "not-found": 404, conflict: 409, invalid: 422 } as const;

/** Turns what a route threw into an answer: what the person can mend keeps its words, the rest is logged. */
export function answerError(
  error: Error,
  context: Context,
  { log, clock }: Pick<ApiCapabilities, "log" | "clock">,
): Response {
  if (error instanceof InvalidSpec) {
    return body(context, 422, { code: "invalid-spec", message: error.message, problems: [...error.problems] });
  }
  if (error instanceof Rejected)
    return body(context, statusOf[error.code], { code: error.code, message: error.message });
  if (error instanceof CampaignHeld || error instanceof Conflict) {
    return body(context, 409, { code: "conflict", message: `${error.message} Try again.` });
  }
  // What hono itself says, such as that the body is not JSON.
  if (error instanceof HTTPException && error.status < 500) {
    return body(context, 400, { code: "invalid-request", message: error.message });
  }
  if (error instanceof BlobNotFound) return body(context, 404, { code: "not-found", message: error.message });
  if (error instanceof CodeHostBusy) {
    const waitMs = error.retryAt.getTime() - clock.now().getTime();
    context.header("retry-after", String(Math.max(1, Math.ceil(waitMs / 1000))));
    return body(context, 503, { code: "github-busy", message: error.message });
  }
  if (error instanceof CodeHostUnavailable) {
    return body(context, 503, { code: "github-unavailable", message: error.message });
  }
  if (error instanceof CodeHostRefused) return body(context, 422, { code: "github-refused", message: error.message });
  log.error({ err: error, path: context.req.path }, error.message);
  return body(context, 500, {
    code: "internal",
    message: "Something went wrong here; the log of the api function says what.",
  });
}

/** The request does not fit the route's schema: says which field, and what was expected. */
export function answerInvalid(
  result: { readonly success: boolean; readonly error?: z.ZodError },
  context: Context,
): Response | undefined {
  if (result.success || result.error === undefined) return undefined;
  const message = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  return body(context, 400, { code: "invalid-request", message });
}

/** The body is larger than any request that makes sense. */
export function answerTooLarge(context: Context): Response {
  return body(context, 413, { code: "too-large", message: "The request is too large; a spec may have 1 MiB." });
}

function body(context: Context, status: 400 | 404 | 409 | 413 | 422 | 500 | 503, error: ErrorBody["error"]): Response {
  return context.json({ error } satisfies ErrorBody, status);
}
