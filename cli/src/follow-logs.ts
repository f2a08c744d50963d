import { EventSourceParserStream } from "eventsource-parser/stream";
import { logEventBody, type LogEventBody } from "#shared/api/log-events.ts";
import { CliError } from "./cli-error.ts";
import { exitCodes } from "./exit-codes.ts";
import { reasonOf, type OpenBody } from "./http-client.ts";
import type { Io } from "./io.ts";

/** A connection that ends so soon without a word counts as one that failed. */
const shortMs = 5000;
const longestDelayMs = 15_000;
/** In a row: about a minute and a half. */
const mostFailures = 9;

/**
 * Follows a log stream until its `end`: when the connection ends before, it connects again and goes on where it was, at
 * growing intervals while that fails.
 *
 * @param path Of the stream, with its query.
 * @throws CliError for what the service refuses, and when it cannot be reached, at once or not again.
 */
export async function* followLogs(
  open: OpenBody,
  io: Pick<Io, "sleep" | "now" | "interrupted">,
  path: string,
): AsyncGenerator<LogEventBody> {
  let lastId: string | undefined;
  let retryMs = 1000;
  for (let failures = 0; ;) {
    let askedToWaitMs: number | undefined;
    const openedAt = io.now();
    let isSilent = true;
    try {
      const { body } = await open(path, {
        accept: "text/event-stream",
        ...(lastId === undefined ? {} : { "last-event-id": lastId }),
      });
      const messages = body
        ?.pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream({ onRetry: (ms) => (retryMs = ms) }));
      for await (const { id, data } of messages ?? []) {
        isSilent = false;
        failures = 0;
        lastId = id ?? lastId;
        const event = parseEvent(data);
        yield event;
        if (event.event === "end") return;
      }
      if (isSilent && io.now() - openedAt < shortMs) failures += 1;
    } catch (error) {
      io.interrupted.throwIfAborted();
      if (!isWorthAnotherTry(error, lastId !== undefined)) throw error;
      failures += 1;
      if (error instanceof CliError) askedToWaitMs = error.retryAfterMs;
      if (failures > mostFailures) throw lost(error);
    }
    if (failures > mostFailures) throw lost(undefined);
    await io.sleep(
      Math.min((askedToWaitMs ?? retryMs) * 2 ** Math.max(0, failures - 1), longestDelayMs),
      io.interrupted,
    );
  }
}

/** @param hasHeard Whether the service has answered before: then it may be restarting. */
function isWorthAnotherTry(error: unknown, hasHeard: boolean): boolean {
  if (!(error instanceof CliError)) return hasHeard; // the connection was cut in the middle
  if (error.retryAfterMs !== undefined) return true;
  return hasHeard && error.exitCode === exitCodes.unavailable;
}

function lost(cause: unknown): CliError {
  if (cause instanceof CliError) return cause;
  const why = cause === undefined ? "it ends at once" : reasonOf(cause);
  return new CliError("unavailable", "stream-lost", `The log cannot be followed any more: ${why}.`, {
    remedy: "The steps go on in the service. Look at its log, then follow again.",
    cause,
  });
}

function parseEvent(data: string): LogEventBody {
  try {
    return logEventBody.parse(JSON.parse(data));
  } catch (cause) {
    throw new CliError("notUnderstood", "unexpected-answer", "The log stream has an event that makes no sense here.", {
      remedy: "Check the address, and that the server and this command are of the same version.",
      cause,
    });
  }
}
