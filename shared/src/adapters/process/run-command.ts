import type { Command, CommandResult } from "../git/git-command.ts";
import type { EnclosedLaunch } from "./enclosure-shell.ts";
import { launch, type Launched } from "./launcher/launch.ts";

const keptStderrBytes = 64 << 10;

/**
 * Runs a command in its own process group, which a timeout or too much output ends as a whole; `start` may start it
 * elsewhere. An aborted `signal` ends it, too.
 */
export async function runCommand(
  command: Command,
  start: (command: EnclosedLaunch) => Launched = launch,
  signal?: AbortSignal,
): Promise<CommandResult> {
  const { argv, environment, input } = command;
  const chunks: Buffer[] = [];
  let bytes = 0;
  let outputExceeded = false;
  let stderr = Buffer.alloc(0);
  const launched = start({
    argv,
    environment,
    directory: "/",
    input,
    onOutput(stream, chunk) {
      if (stream === "stderr") {
        stderr = Buffer.concat([stderr, chunk]).subarray(-keptStderrBytes);
        return;
      }
      bytes += chunk.length;
      if (bytes <= command.maxOutputBytes) {
        chunks.push(chunk);
      } else if (!outputExceeded) {
        outputExceeded = true;
        launched.kill();
      }
    },
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    launched.kill();
  }, command.timeoutMs);
  const giveUp = (): void => launched.kill();
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted === true) giveUp();
  try {
    const exitCode = await launched.closed;
    return {
      exitCode,
      stdout: Buffer.concat(chunks),
      stderr: stderr.toString("utf8"),
      timedOut,
      outputExceeded,
    };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}
