import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { logEventBody } from "#shared/api/log-events.ts";
import { logsBody } from "#shared/api/schemas.ts";
import { Rejected } from "#shared/errors.ts";
import { parsePosition, type LogPosition } from "#shared/execution/log-position.ts";
import type { ApiCapabilities, ApiEnv } from "./capabilities.ts";
import { findExecutionAsItIs } from "./find-standing.ts";
import { streamLimits, streamLog, type StreamLimits } from "./log-stream.ts";
import { readLogs } from "./read-logs.ts";
import { busy, json, oneRepository, oneWorkspace, refusals, security } from "./route.ts";

const logsRoute = createRoute({
  security,
  method: "get",
  path: "/api/v1/campaigns/{campaign}/repositories/{owner}/{repo}/logs",
  summary: "What the steps printed, with secrets redacted; while they run, what there is so far",
  request: { params: oneRepository, query: oneWorkspace },
  responses: { ...refusals, 200: json(logsBody, "The steps that were run") },
});

const streamRoute = createRoute({
  security,
  method: "get",
  path: "/api/v1/campaigns/{campaign}/repositories/{owner}/{repo}/logs/stream",
  summary: "What the steps print, as it comes: server-sent events until the execution has ended",
  request: {
    params: oneRepository,
    query: oneWorkspace.extend({
      step: z.coerce.number<string>().int().min(0).max(1000).optional().openapi({
        type: "integer",
        description: "Tells of the step with this index alone",
      }),
    }),
    headers: z.object({
      "last-event-id": z.string().optional().openapi({
        description:
          "The id of the last event that was received: the stream goes on after it, nothing lost or repeated",
      }),
    }),
  },
  responses: {
    ...refusals,
    200: {
      description: "A stream that ends without the event `end` is to be asked for again, with `Last-Event-ID`",
      content: { "text/event-stream": { schema: logEventBody } },
    },
    503: busy("With the code `too-many-followers`: after how many seconds to ask again"),
  },
});

/** @param limits Of the streams. */
export function logRoutes(
  app: OpenAPIHono<ApiEnv>,
  capabilities: ApiCapabilities,
  limits: StreamLimits = streamLimits,
): void {
  let followers = 0;

  app.openapi(logsRoute, async (context) => {
    const asked = { ...context.req.valid("param"), ...context.req.valid("query") };
    const execution = await findExecutionAsItIs(capabilities, asked);
    return context.json(await readLogs(capabilities, execution), 200);
  });

  app.openapi(streamRoute, async (context) => {
    const { step: only, ...query } = context.req.valid("query");
    const asked = { ...context.req.valid("param"), ...query };
    const found = await findExecutionAsItIs(capabilities, asked);
    const from = goOnFrom(context.req.valid("header")["last-event-id"]) ?? { executionId: found.id };
    // Who has begun with an execution hears it to its end, although a newer run may have another one.
    const execution = from.executionId === found.id ? found : await capabilities.executions.get(from.executionId);
    if (execution.campaign !== found.campaign || execution.repository.id !== found.repository.id) {
      throw new Rejected("invalid", "Last-Event-ID is of another repository. Connect without it.");
    }
    const { spec } = await capabilities.campaigns.specVersion(execution.campaign, execution.specVersion);
    if (followers >= limits.atOnce) {
      const message = `${followers} streams are open here already. Try again in a few seconds.`;
      return context.json({ error: { code: "too-many-followers", message } }, 503, { "retry-after": "5" });
    }
    followers += 1;
    const closed = (): void => {
      followers -= 1;
    };
    return streamLog(context, capabilities, limits, {
      from,
      only,
      stepNames: spec.steps.map(({ name }) => name),
      closed,
    });
  });
}

/** @throws Rejected when it is no id of ours. */
function goOnFrom(lastEventId: string | undefined): LogPosition | undefined {
  if (lastEventId === undefined || lastEventId === "") return undefined;
  const position = parsePosition(lastEventId);
  if (position === undefined) {
    throw new Rejected("invalid", "Last-Event-ID is not the id of an event. Connect without it to begin anew.");
  }
  return position;
}
