import type { MiddlewareHandler } from "hono";
import { createHash } from "node:crypto";
import type { ApiEnv } from "./capabilities.ts";

/** Lets in requests with a known bearer token, and says whose it is. */
export function authenticate(tokens: ReadonlyMap<string, string>): MiddlewareHandler<ApiEnv> {
  // Looked up by hash, so that how long a lookup takes says nothing about a token.
  const names = new Map([...tokens].map(([token, name]) => [digest(token), name]));
  return async (context, next) => {
    const token = /^Bearer (.+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    const actor = token === undefined ? undefined : names.get(digest(token));
    if (actor === undefined) {
      const message =
        "The API needs a known token: send Authorization: Bearer TOKEN, or set OCTOBATCH_TOKEN for the CLI.";
      return context.json({ error: { code: "unauthorized", message } }, 401, { "www-authenticate": "Bearer" });
    }
    context.set("actor", actor);
    return next();
  };
}

function digest(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
