import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isatty } from "node:tty";
import { Interruption, type Io, type Output } from "./io.ts";

/** The real thing: this process's streams, environment, clock and network. */
export function processIo(): Io {
  const { stdin, stdout, stderr, env } = process;
  const interruption = new AbortController();
  // The first signal ends the command in an orderly way; a second one finds no listener and ends it at once.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => interruption.abort(new Interruption(signal)));
  }
  return {
    stdin,
    stdout: outputOf(stdout, () => interruption.abort(new Interruption("closed-output"))),
    stderr: outputOf(stderr, () => {}),
    env,
    cwd: process.cwd(),
    fetch: globalThis.fetch,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    now: () => performance.now(),
    interrupted: interruption.signal,
    ...(stdin.isTTY && stderr.isTTY ? { ask: (question: string) => askOnTerminal(question, interruption) } : {}),
  };
}

/** A reader that has gone (`| head`) is no error: what follows is dropped, and `closed` is told once. */
function outputOf(stream: typeof process.stdout | typeof process.stderr, closed: () => void): Output {
  let open = true;
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    open = false;
    closed();
  });
  return {
    write(data) {
      if (open) stream.write(data);
    },
    isTerminal: isatty(stream.fd),
    get columns() {
      // Some terminals know no width, and say 0 then.
      return stream.columns > 0 ? stream.columns : 80;
    },
  };
}

async function askOnTerminal(question: string, interruption: AbortController): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  // On a terminal in raw mode Ctrl-C comes to the reader, not as a signal.
  reader.once("SIGINT", () => interruption.abort(new Interruption("SIGINT")));
  const ended = new Promise<string>((resolve) => reader.once("close", () => resolve("")));
  try {
    return await Promise.race([reader.question(question, { signal: interruption.signal }), ended]);
  } finally {
    reader.close();
  }
}
