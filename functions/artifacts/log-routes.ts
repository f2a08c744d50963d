import type { Hono } from "hono";
import { z } from "zod";
import { artifactLimits } from "#shared/artifacts/artifact-name.ts";
import type { LiveStepEnd } from "#shared/ports/live-logs.ts";
import { readBytes } from "#shared/runtime/read-body.ts";
import { admit, jobPath } from "./admit.ts";
import { announcedBody } from "./announced-body.ts";
import { Denied } from "./answer-error.ts";
import type { Desk, JobEnv } from "./capabilities.ts";

/** The most that comes at once of a log. */
const mostChunkBytes = 1024 * 1024;

const count = z
  .string()
  .regex(/^\d{1,12}$/, "expected a number")
  .transform(Number);

/** Where the chunk begins in the log, in bytes; and how the step ended, when its log ends with the chunk. */
const logQuery = z.strictObject({
  at: count,
  status: z.enum(["ran", "skipped", "failed", "timed-out"]).optional(),
  exitCode: count.optional(),
  durationMs: count.optional(),
});

/**
 * Takes what a step has printed since the last time, for those who watch; the log that is kept comes at its end. Safe to
 * repeat: bytes that are there by their offset stay.
 */
export function logRoutes(app: Hono<JobEnv>, desk: Desk): void {
  const { liveLogs, sandboxLimits } = desk;

  app.post(`${jobPath}/steps/:step{[0-9]|[1-9][0-9]{1,2}}/log`, admit(desk, "upload"), async (context) => {
    const { id: executionId, attempt } = context.get("execution");
    const step = Number(context.req.param("step"));
    const { at: offset, end } = readQuery(context.req.url);
    const { sizeBytes, bytes: body } = announcedBody(context, desk, mostChunkBytes);
    const mostBytes = artifactLimits(sandboxLimits).log;
    if (offset + sizeBytes > mostBytes) throw new Denied("too-large", `A log has ${mostBytes} bytes at most.`);
    const bytes = (await readBytes(body, sizeBytes)) ?? new Uint8Array();
    await liveLogs.append({ executionId, attempt }, [{ step, offset, bytes, ...end }]);
    return context.body(null, 204);
  });
}

/** @throws Denied naming each parameter that is wrong. */
function readQuery(url: string): { readonly at: number; readonly end?: { readonly end: LiveStepEnd } } {
  const parsed = logQuery.safeParse(Object.fromEntries(new URL(url).searchParams));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new Denied("invalid-request", problems.join("; "));
  }
  const { at, status, exitCode, durationMs = 0 } = parsed.data;
  if (status === undefined) return { at };
  return { at, end: { end: { status, durationMs, ...(exitCode !== undefined && { exitCode }) } } };
}
