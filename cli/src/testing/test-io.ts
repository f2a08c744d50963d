import type { Io, Output } from "../io.ts";

/** An {@link Io} whose time passes only while something sleeps, and that keeps what was printed. */
export interface TestIo extends Io {
  readonly printed: { readonly out: () => string; readonly err: () => string };
  /** Every sleep there was, in milliseconds. */
  readonly slept: readonly number[];
  readonly interrupt: (reason: unknown) => void;
}

interface TestIoOptions extends Partial<Pick<Io, "env" | "cwd" | "fetch">> {
  readonly terminal?: boolean;
  readonly columns?: number;
  readonly stdin?: string | Uint8Array;
  /** What the person answers; without one nobody is there. */
  readonly answer?: string;
  /** Called during each sleep, when the world moves on. */
  readonly meanwhile?: (sleeps: number) => void | Promise<void>;
}

export function createTestIo(options: TestIoOptions = {}): TestIo {
  const { terminal = false, columns = 80, stdin = "", answer, meanwhile } = options;
  const interruption = new AbortController();
  const out = capture(terminal, columns);
  const err = capture(terminal, columns);
  const slept: number[] = [];
  let nowMs = 0;
  return {
    stdin: ReadableStream.from([typeof stdin === "string" ? Buffer.from(stdin) : stdin]),
    stdout: out.output,
    stderr: err.output,
    env: options.env ?? {},
    cwd: options.cwd ?? "/nowhere",
    fetch: options.fetch ?? (() => Promise.reject(new TypeError("this test has no server"))),
    async sleep(ms, signal) {
      slept.push(ms);
      nowMs += ms;
      await meanwhile?.(slept.length);
      signal.throwIfAborted();
    },
    now: () => nowMs,
    interrupted: interruption.signal,
    interrupt: (reason) => interruption.abort(reason),
    printed: { out: out.text, err: err.text },
    slept,
    ...(answer === undefined
      ? {}
      : {
          ask: (question: string) => {
            err.output.write(question);
            return Promise.resolve(answer);
          },
        }),
  };
}

function capture(isTerminal: boolean, columns: number): { readonly output: Output; readonly text: () => string } {
  const chunks: Uint8Array[] = [];
  return {
    output: { isTerminal, columns, write: (data) => void chunks.push(Buffer.from(data)) },
    text: () => Buffer.concat(chunks).toString("utf8"),
  };
}
