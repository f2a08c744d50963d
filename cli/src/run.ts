import { CommanderError } from "commander";
import { exitCodes, type ExitCode } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { createProgram, type RunDev } from "./program.ts";
import { reportError } from "./report-error.ts";
import { performer } from "./session.ts";

/**
 * Runs one command line, without the program's own name.
 * @returns what the process is to end with; nothing is thrown.
 */
export async function run(argv: readonly string[], io: Io, runDev?: RunDev): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  const perform = performer(io, (ended) => {
    code = ended;
  });
  // Looked for by hand, since a command line that cannot be parsed has to be answered in the right form too.
  const json = flagged(argv, "--json");
  try {
    await createProgram(io, perform, { json, runDev }).parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    // Help and the version have been printed; commander ends their command this way.
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
    return reportError(error, io, { json, color: !flagged(argv, "--no-color") });
  }
}

/** True when the flag is there, before a `--` that ends the options. */
function flagged(argv: readonly string[], flag: string): boolean {
  const end = argv.indexOf("--");
  return (end === -1 ? argv : argv.slice(0, end)).includes(flag);
}
