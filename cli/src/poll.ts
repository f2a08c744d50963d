import { CliError } from "./cli-error.ts";
import type { Io } from "./io.ts";

const firstDelayMs = 200;
const longestDelayMs = 2000;
const growth = 1.5;

/**
 * Yields before each look, at growing intervals from 0.2 to 2 seconds.
 * @throws CliError when `timeoutMs` has passed. @throws the interruption's reason.
 */
export async function* looks(
  io: Pick<Io, "sleep" | "now" | "interrupted">,
  timeoutMs: number | undefined,
): AsyncGenerator<void, never> {
  const startedAt = io.now();
  for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * growth, longestDelayMs)) {
    yield;
    const leftMs = timeoutMs === undefined ? Infinity : startedAt + timeoutMs - io.now();
    if (leftMs <= 0) {
      throw new CliError("timedOut", "timed-out", "It is not finished within --timeout.", {
        remedy: "It goes on in the service: `octobatch status` shows how far it is, and the same command waits again.",
      });
    }
    await io.sleep(Math.min(delayMs, leftMs), io.interrupted);
  }
}
