import { z } from "zod";
import type { RefusalKind } from "#shared/ports/code-host.ts";

const refusalKinds = [
  "not-found",
  "not-installed",
  "suspended",
  "bad-credentials",
  "missing-permission",
  "archived",
  "protected",
  "invalid",
] as const satisfies readonly RefusalKind[];

/** What the tokens function answers: a token. Instants are ISO 8601. */
export const tokenAnswer = z.object({
  token: z.string().min(1),
  expiresAt: z.coerce.date(),
  permissions: z.record(z.string(), z.string()),
  installation: z.int(),
});

/** … or the App's JWT. */
export const appPassAnswer = z.object({ jwt: z.string().min(1), expiresAt: z.coerce.date(), appId: z.string().min(1) });

/**
 * … or why not. `refused`, `unavailable` and `busy` are the code host's own and keep its words; all others are the
 * function's: the caller is unknown, may not have it, or did not ask properly.
 */
export const tokenErrorAnswer = z.object({
  error: z.union([
    z.object({ code: z.literal("refused"), kind: z.enum(refusalKinds), message: z.string() }),
    z.object({ code: z.literal("busy"), message: z.string(), retryAt: z.coerce.date() }),
    z.object({
      code: z.enum(["unavailable", "unauthorized", "forbidden", "invalid-request", "not-found", "internal"]),
      message: z.string(),
    }),
  ]),
});

export type TokenErrorAnswer = z.output<typeof tokenErrorAnswer>;
