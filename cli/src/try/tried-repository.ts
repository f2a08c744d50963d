import { type CommandResult, type RunCommand } from "#shared/adapters/git/git-command.ts";
import { runCommand } from "#shared/adapters/process/run-command.ts";
import { CliError } from "../cli-error.ts";

/** A repository at one commit, which is in a bare repository of our own. */
export interface TriedRepository {
  readonly owner: string;
  readonly name: string;
  readonly branch: string;
  /** A full SHA-1. */
  readonly commit: string;
  /** What a person should know of how it was taken. */
  readonly notes: readonly string[];
}

/** Git, which ends when the command is interrupted. */
export function interruptibleGit(interrupted: AbortSignal): RunCommand {
  return async (command) => {
    const result = await runCommand(command, undefined, interrupted).catch((error: unknown): never => {
      if (error instanceof Error && error.message.includes("ENOENT")) throw noGit(error);
      throw error;
    });
    interrupted.throwIfAborted();
    return result;
  };
}

/** What a successful command printed, without the last line's end. */
export function printed({ stdout }: CommandResult): string {
  return stdout.toString("utf8").replace(/\n$/u, "");
}

function noGit(cause: Error): CliError {
  return new CliError("unavailable", "no-git", "There is no git on this machine.", {
    remedy: "Install git 2.30 or newer.",
    cause,
  });
}
