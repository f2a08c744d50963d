import { metrics } from "@opentelemetry/api";
import type { MiddlewareHandler } from "hono";

/** What a Job may ask for, by the part of its address that says so. */
const kinds: ReadonlyMap<string, string> = new Map([
  ["source.git", "source"],
  ["artifacts", "artifact"],
  ["steps", "log"],
  ["cache", "cache"],
]);

/** Counts what Jobs ask for, by kind and answer, wherever OpenTelemetry's meters lead by now. */
export function countRequests(): MiddlewareHandler {
  const requests = metrics.getMeter("octobatch").createCounter("octobatch.artifacts.requests", {
    description: "Requests of Jobs, by what they are for and the answer.",
    unit: "{request}",
  });
  return async (context, next) => {
    await next();
    const [, , , , part = ""] = context.req.path.split("/");
    requests.add(1, {
      "octobatch.artifacts.kind": kinds.get(part) ?? "other",
      "http.request.method": context.req.method,
      "http.response.status_code": context.res.status,
    });
  };
}
