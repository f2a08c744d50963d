import { Hono } from "hono";
import { createTurnstile } from "#shared/artifacts/turnstile.ts";
import { defineHttpFunction, type HttpFunction } from "#shared/runtime/define-function.ts";
import { serve } from "#shared/runtime/serve.ts";
import { answerError, Denied } from "./answer-error.ts";
import { cacheRoutes } from "./cache-routes.ts";
import { artifactsNeeds, type Desk, type JobEnv, type Terms } from "./capabilities.ts";
import { logRoutes } from "./log-routes.ts";
import { countRequests } from "./request-metrics.ts";
import { sourceRoutes } from "./source-routes.ts";
import { uploadRoutes } from "./upload-routes.ts";

const kibibyte = 1024;

/**
 * The only thing that a Job can reach: its source, and the place where it hands in what came out. A Job has neither a
 * token of GitHub nor a credential of the storage, but a token for this.
 */
export const artifacts = artifactsOn({
  sending: { leastBytes: 64 * kibibyte, everyMs: 20_000 },
  fetching: { leastBytes: 1, everyMs: 60_000 },
  fetches: { atOnce: 32, inLine: 256 },
  uploads: { atOnce: 16, inLine: 256 },
});

/** The function on other terms, for tests. */
export function artifactsOn(terms: Terms): HttpFunction {
  return defineHttpFunction({
    name: "artifacts",
    tokenRole: "source",
    needs: artifactsNeeds,
    routes: (capabilities) => {
      const fetches = createTurnstile(terms.fetches);
      const uploads = createTurnstile(terms.uploads);
      const app = createArtifacts({ ...capabilities, terms, fetches, uploads });
      return async (request) => app.fetch(request);
    },
  });
}

function createArtifacts(desk: Desk): Hono<JobEnv> {
  const app = new Hono<JobEnv>();
  app.onError((error, context) => answerError(error, context, context.get("log") ?? desk.log));
  app.notFound((context) => {
    const error = new Denied("not-found", `There is no ${context.req.method} ${context.req.path}.`);
    return answerError(error, context, desk.log);
  });
  app.use(countRequests());
  app.use(async (context, next) => {
    assertPlain(context.req.raw.url);
    // Answered as a GET without its body, it would leave open what the body is read from.
    if (context.req.method === "HEAD") throw new Denied("method-not-allowed", "HEAD is not answered here.");
    await next();
  });
  sourceRoutes(app, desk);
  uploadRoutes(app, desk);
  cacheRoutes(app, desk);
  logRoutes(app, desk);
  return app;
}

/** No address here has to be encoded, so nobody has to think of what an encoded one may mean. @throws Denied */
function assertPlain(url: string): void {
  const { pathname } = new URL(url);
  if (/^(?:\/[\w.-]+)+$/.test(pathname)) return;
  throw new Denied("invalid-request", "Addresses have letters, digits, and . _ - / alone, and no empty parts.");
}

if (import.meta.main) await serve(artifacts);
