import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { verifyChain } from "#shared/audit/audit-entry.ts";
import { wholeLog } from "#shared/audit/audit-log.ts";
import type { ApiCapabilities, ApiEnv } from "./capabilities.ts";
import { json, refusals, security } from "./route.ts";
import { auditBody, auditEntryBody, verificationBody } from "#shared/api/schemas.ts";

const listRoute = createRoute({
  security,
  method: "get",
  path: "/api/v1/audit",
  summary: "Who did what: the entries after a number, the oldest first",
  request: {
    query: z.object({
      campaign: z.string().optional(),
      // It would be described as nullable, since Number(null) is 0.
      after: z.coerce.number<string>().int().min(0).default(0).openapi({ type: "integer" }),
      limit: z.coerce.number<string>().int().min(1).max(1000).default(100),
    }),
  },
  responses: { ...refusals, 200: json(auditBody, "A page") },
});

const verifyRoute = createRoute({
  security,
  method: "get",
  path: "/api/v1/audit/verification",
  summary: "Recomputes the hash of every entry and checks that each carries the one before",
  responses: { ...refusals, 200: json(verificationBody, "Whether the log is intact, or where it is broken") },
});

export function auditRoutes(app: OpenAPIHono<ApiEnv>, { audit }: ApiCapabilities): void {
  app.openapi(listRoute, async (context) => {
    const { campaign, after, limit } = context.req.valid("query");
    const page = await audit.page({ afterSeq: after, limit, ...(campaign === undefined ? {} : { campaign }) });
    const entries = page.map(({ at, dedupeKey: _, ...entry }) => ({
      ...entry,
      at: at.toISOString(),
      detail: auditEntryBody.shape.detail.parse(entry.detail),
    }));
    return context.json({ entries }, 200);
  });

  app.openapi(verifyRoute, async (context) => {
    const verdict = await verifyChain(wholeLog(audit));
    return context.json(
      verdict.kind === "intact"
        ? { intact: true, entries: verdict.entries, lastHash: verdict.lastHash }
        : { intact: false, entries: verdict.seq - 1, brokenAt: verdict.seq, because: verdict.because },
      200,
    );
  });
}
