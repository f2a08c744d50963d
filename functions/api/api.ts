import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { defineHttpFunction } from "#shared/runtime/define-function.ts";
import { serve } from "#shared/runtime/serve.ts";
import { artifactRoutes } from "./artifact-routes.ts";
import { auditRoutes } from "./audit-routes.ts";
import { authenticate } from "./authenticate.ts";
import { campaignRoutes } from "./campaign-routes.ts";
import type { ApiCapabilities, ApiEnv } from "./capabilities.ts";
import { apiNeeds } from "./capabilities.ts";
import { changeRoutes } from "./change-routes.ts";
import { describeApi } from "./describe-api.ts";
import { answerError, answerInvalid, answerTooLarge } from "./errors.ts";
import { logRoutes } from "./log-routes.ts";
import type { StreamLimits } from "./log-stream.ts";
import { repositoryRoutes } from "./repository-routes.ts";
import { selectionRoutes } from "./selection-routes.ts";
import { steeringRoutes } from "./steering-routes.ts";

/** A spec of the greatest size that is allowed, with every character of it escaped in JSON. */
const maxBodyBytes = 8 * 1024 * 1024;

/** The public API: everything the web app and the CLI can do. */
export const api = defineHttpFunction({
  name: "api",
  tokenRole: "reader",
  needs: apiNeeds,
  routes: (capabilities) => {
    const app = createApi(capabilities);
    return async (request) => app.fetch(request);
  },
});

/** The API's routes over these capabilities. @param streams Limits of log streams. */
export function createApi(capabilities: ApiCapabilities, streams?: StreamLimits): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>({ defaultHook: answerInvalid });
  app.onError((error, context) => answerError(error, context, capabilities));
  app.notFound((context) =>
    context.json(
      { error: { code: "not-found", message: `There is no ${context.req.method} ${context.req.path}.` } },
      404,
    ),
  );
  // The document is for everyone; what it describes is not.
  describeApi(app);
  app.use("/api/v1/*", authenticate(capabilities.apiTokens));
  app.use(async (context, next) => {
    // Postgres keeps no such character in text, so nothing that is asked for can have it.
    if (/%00/.test(context.req.url)) throw new HTTPException(400, { message: "The address has a NUL character." });
    await next();
  });
  app.use(bodyLimit({ maxSize: maxBodyBytes, onError: answerTooLarge }));
  campaignRoutes(app, capabilities);
  steeringRoutes(app, capabilities);
  repositoryRoutes(app, capabilities);
  logRoutes(app, capabilities, streams);
  artifactRoutes(app, capabilities);
  changeRoutes(app, capabilities);
  selectionRoutes(app, capabilities);
  auditRoutes(app, capabilities);
  return app;
}

if (import.meta.main) await serve(api);
