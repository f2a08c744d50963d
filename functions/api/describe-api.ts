import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiEnv } from "./capabilities.ts";

/** Serves the OpenAPI 3.1 document of the routes, made from the schemas that check the requests. */
export function describeApi(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "token", { type: "http", scheme: "bearer" });
  app.doc31("/api/v1/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Octobatch",
      version: "1",
      description: "Campaigns of bulk pull requests. Every change is in the audit log under the name of the token.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
  });
}
