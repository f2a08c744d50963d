import type { Command } from "commander";
import { createApiClient, type ApiClient } from "./api-client.ts";
import { findConnection } from "./connection.ts";
import type { ExitCode } from "./exit-codes.ts";
import { createBodyOpener, createHttpClient, type OpenBody } from "./http-client.ts";
import type { Io } from "./io.ts";
import { createProgress, silent, type Progress } from "./progress.ts";
import { paintFor, renderJson, type Paint } from "./terminal.ts";

/** The options that every command takes. */
export interface GlobalOptions {
  readonly url?: string;
  readonly token?: string;
  readonly data: string;
  readonly json?: true;
  readonly color: boolean;
}

/** What a command works with. */
export interface Session {
  readonly io: Io;
  readonly options: GlobalOptions;
  /** Colours for standard output. */
  readonly paint: Paint;
  /** Goes to standard error, so that standard output holds the result alone. */
  readonly progress: Progress;
  /** The API of the server that the options, the environment or the connection file name. @throws CliError */
  readonly api: () => Promise<ApiClient>;
  /** Bodies of the same server that are read as they come. @throws CliError */
  readonly bodies: () => Promise<OpenBody>;
  /** Prints the result: the text for people, or the document when --json asks for it. */
  readonly print: (text: string, document: unknown) => void;
}

export function openSession(io: Io, options: GlobalOptions): Session {
  const overwrite = io.stderr.isTerminal && io.env["TERM"] !== "dumb";
  return {
    io,
    options,
    paint: paintFor(io.stdout, io.env, options.color),
    progress: options.json ? silent : createProgress(io.stderr, { overwrite }),
    api: async () => createApiClient(createHttpClient(await findConnection(options, io), io)),
    bodies: async () => createBodyOpener(await findConnection(options, io), io),
    print: (text, document) => io.stdout.write(options.json ? renderJson(document) : text),
  };
}

/** Turns what a command does into an action for commander: arguments, then the command's own options. */
export type Perform = <Args extends readonly unknown[]>(
  work: (session: Session, ...args: Args) => Promise<ExitCode>,
) => (...args: [...Args, Command]) => Promise<void>;

/** @param ended Told what the process is to end with. */
export function performer(io: Io, ended: (code: ExitCode) => void): Perform {
  return <Args extends readonly unknown[]>(work: (session: Session, ...args: Args) => Promise<ExitCode>) =>
    async (...all: [...Args, Command]) => {
      // Commander appends the command; the arguments and options before it are as they were declared.
      const command = all.at(-1) as Command;
      const args = all.slice(0, -1) as unknown as Args;
      const session = openSession(io, command.optsWithGlobals<GlobalOptions>());
      try {
        ended(await work(session, ...args));
      } finally {
        session.progress.done();
      }
    };
}
