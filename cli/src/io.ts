/** Where text goes. */
export interface Output {
  /** Text, or bytes that are passed on as they are. Once the reader has gone it is dropped. */
  write(data: string | Uint8Array): void;
  readonly isTerminal: boolean;
  /** Width of the terminal in cells; 80 where it is not known. */
  readonly columns: number;
}

/** Everything the command touches outside itself, so that tests run it in their own process. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The directory that relative paths start from. */
  readonly cwd: string;
  readonly fetch: typeof globalThis.fetch;
  /** Resolves after so many milliseconds; rejects with the signal's reason when it is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds that only ever grow. */
  readonly now: () => number;
  /** Asks the person at the terminal for a line; absent when nobody is there to answer. */
  readonly ask?: (question: string) => Promise<string>;
  /** Aborted with an {@link Interruption} when the person or the system wants an end. */
  readonly interrupted: AbortSignal;
}

/** Why the command is to end early: Ctrl-C, a supervisor's signal, or a reader of the output who has gone. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly by: "SIGINT" | "SIGTERM" | "closed-output";
  constructor(by: Interruption["by"]) {
    super(by);
    this.by = by;
  }
}
