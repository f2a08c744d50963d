import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { setTimeout as wait } from "node:timers/promises";
import type { LogEventBody } from "#shared/api/log-events.ts";
import { followLog } from "#shared/execution/follow-log.ts";
import { encodePosition, type LogPosition } from "#shared/execution/log-position.ts";
import type { LogEvent } from "#shared/execution/log-teller.ts";
import type { ApiCapabilities } from "./capabilities.ts";

/** How log streams behave. */
export interface StreamLimits {
  /** How often it is looked for news. */
  readonly pollMs: number;
  /** A stream on which nothing happens says so often that it is alive: proxies end silent ones, often after 60 s. */
  readonly heartbeatMs: number;
  /** A stream ends after so long, and its client goes on with another: before the platform ends the request. */
  readonly lastsMs: number;
  /** In this process; more are refused. Each takes a place that other requests could have. */
  readonly atOnce: number;
}

/** The Service of the API ends requests after 300 s, and gives a process 50 at once: streams leave room. */
export const streamLimits: StreamLimits = { pollMs: 500, heartbeatMs: 15_000, lastsMs: 240_000, atOnce: 25 };

/** A stream that cannot end, since its client does not read, is cut off after so many times as long as it may last. */
const patience = 1.1;

/** How soon a client connects again, unless it knows better. */
const retryMs = 1000;

/**
 * Answers what the steps print as server-sent events, each with where to go on as its id, until the execution has ended, the
 * client has left, or the stream has lasted long enough.
 *
 * @param asked.closed Called once the stream has ended.
 */
export function streamLog(
  context: Context,
  capabilities: Pick<ApiCapabilities, "executions" | "liveLogs" | "blobs" | "clock" | "log">,
  limits: StreamLimits,
  asked: {
    readonly from: LogPosition | Pick<LogPosition, "executionId">;
    readonly only: number | undefined;
    readonly stepNames: readonly (string | undefined)[];
    readonly closed: () => void;
  },
): Response {
  const { from, only, stepNames, closed } = asked;
  const now = (): number => capabilities.clock.now().getTime();
  const endsAtMs = now() + limits.lastsMs;
  // Or nginx holds back what comes bit by bit: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering
  context.header("x-accel-buffering", "no");
  return streamSSE(context, async (stream) => {
    const left = new AbortController();
    stream.onAbort(() => left.abort());
    // One who does not read would hold the stream for ever.
    const cut = setTimeout(() => stream.abort(), limits.lastsMs * patience);
    let spokeAtMs = now();
    const pause = async (): Promise<boolean> => {
      if (now() - spokeAtMs >= limits.heartbeatMs) {
        spokeAtMs = now();
        await stream.write(": nothing new\n\n");
      }
      // Rejects when the client leaves.
      await wait(limits.pollMs, undefined, { signal: left.signal }).catch(() => {});
      return !left.signal.aborted && now() < endsAtMs;
    };
    try {
      await stream.write(`retry: ${retryMs}\n\n`);
      for await (const { news, position } of followLog({ ...capabilities, only, pause }, from)) {
        const data = JSON.stringify(bodyOf(news, stepNames));
        spokeAtMs = now();
        await stream.writeSSE({ event: news.event, id: encodePosition(position), data });
        if (left.signal.aborted || now() >= endsAtMs) return;
      }
    } catch (error) {
      // The client connects again, and so hears whether it lasts.
      capabilities.log.error({ err: error, executionId: from.executionId }, "a log stream was cut off");
    } finally {
      clearTimeout(cut);
      closed();
    }
  });
}

function bodyOf(news: LogEvent, stepNames: readonly (string | undefined)[]): LogEventBody {
  if (news.event === "step-started") {
    const name = stepNames[news.step];
    return { ...news, ...(name === undefined ? {} : { name }) };
  }
  if (news.event !== "log") return news;
  const { bytes, ...placed } = news;
  return { ...placed, base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64") };
}
