import { CommanderError } from "commander";
import { CliError } from "./cli-error.ts";
import { exitCodes, type ExitCode } from "./exit-codes.ts";
import { Interruption, type Io } from "./io.ts";
import { neutralise, paintFor, renderJson } from "./terminal.ts";

/** Says on standard error what went wrong and what to do about it, and answers what the process is to end with. */
export function reportError(
  error: unknown,
  io: Io,
  options: { readonly json: boolean; readonly color: boolean },
): ExitCode {
  const reason: unknown = io.interrupted.aborted ? io.interrupted.reason : undefined;
  const interruption = reason instanceof Interruption ? reason : undefined;
  // The reader of the output has seen enough.
  if (interruption?.by === "closed-output") return exitCodes.ok;
  const shown = interruption === undefined || tellsInterruption(error) ? explain(error) : interrupted(interruption);
  if (options.json) io.stderr.write(renderJson(asDocument(shown)));
  else io.stderr.write(asText(shown, io, options.color));
  if (io.env["OCTOBATCH_DEBUG"] && !options.json) io.stderr.write(`${neutralise(stackOf(error))}\n`);
  return shown.exitCode;
}

function explain(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof CommanderError) {
    // Commander has printed the help, and has no words for this.
    if (error.code === "commander.help") return new CliError("usage", "usage", "No command was given.");
    const message = error.message.replace(/^error: /u, "");
    return new CliError("usage", "usage", message, { remedy: "See `octobatch help`." });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new CliError("unexpected", "unexpected", `Something unexpected happened in this command: ${message}`, {
    remedy: "Run it again with OCTOBATCH_DEBUG=1 to see where.",
    cause: error,
  });
}

/** True when a command has said itself what its interruption leaves behind. */
function tellsInterruption(error: unknown): boolean {
  return error instanceof CliError && (error.code === "interrupted" || error.code === "terminated");
}

function interrupted({ by }: Interruption): CliError {
  const exit = by === "SIGTERM" ? "terminated" : "interrupted";
  return new CliError(exit, exit, `${exit === "terminated" ? "Terminated" : "Interrupted"}.`, {
    remedy: "What was started goes on in the service: `octobatch status` shows how far it is.",
  });
}

function asDocument({ code, message, remedy, problems }: CliError): unknown {
  return {
    error: {
      code,
      message,
      ...(remedy === undefined ? {} : { remedy }),
      ...(problems.length === 0 ? {} : { problems }),
    },
  };
}

function asText({ code, message, remedy }: CliError, io: Io, color: boolean): string {
  const paint = paintFor(io.stderr, io.env, color);
  // A spec's problems stand alone, each as file:line:column, so that editors find the place.
  const start = code === "invalid-spec" ? "" : `${paint("red", "octobatch:")} `;
  const lines = [start + neutralise(message), ...(remedy === undefined ? [] : [neutralise(remedy)])];
  return `${lines.join("\n")}\n`;
}

/** The stack, and those of the errors behind it. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by ${stackOf(error.cause)}`;
}
