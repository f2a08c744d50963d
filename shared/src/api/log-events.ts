import { z } from "@hono/zod-openapi";

const step = z.int().openapi({ description: "The step's index, from 0" });

/** The `data` of each event of a log stream. */
export const logEventBody = z
  .discriminatedUnion("event", [
    z
      .object({
        event: z.literal("begin"),
        attempt: z.int(),
        because: z.string().optional().openapi({ description: "Why one that was followed before is over" }),
      })
      .openapi({ description: "An attempt begins; what was told of an earlier one is to be forgotten" }),
    z.object({ event: z.literal("step-started"), step, name: z.string().optional() }),
    z.object({
      event: z.literal("log"),
      step,
      offset: z.int().openapi({ description: "In bytes: where the one before has ended" }),
      base64: z.base64().openapi({ description: "The bytes; characters may be cut in two between events" }),
    }),
    z
      .object({ event: z.literal("held"), step })
      .openapi({ description: "The step prints more than is kept while it runs: the rest follows once it has ended" }),
    z.object({
      event: z.literal("step-finished"),
      step,
      status: z.enum(["ran", "cached", "skipped", "failed", "timed-out"]),
      exitCode: z.int().optional(),
      durationMs: z.number(),
    }),
    z
      .object({
        event: z.literal("end"),
        status: z.enum(["no-change", "patch", "failed", "cancelled", "expired"]),
        because: z.string().optional().openapi({ description: "Why it failed, was cancelled or has expired" }),
        whole: z.boolean().openapi({ description: "False when logs are missing: cancelled, or expired" }),
      })
      .openapi({ description: "The last event: do not connect again" }),
  ])
  .openapi("LogEvent");
export type LogEventBody = z.infer<typeof logEventBody>;
