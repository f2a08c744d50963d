import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { exitCodeMeanings, exitCodes, renderExitCodes } from "../exit-codes.ts";
import type { Perform } from "../session.ts";
import { suggestion } from "#shared/spec/nearest.ts";

const exitCodesTopic = "exit-codes";

export function declareHelp(program: Command, perform: Perform): void {
  program
    .command("help")
    .argument("[topic...]", `a command, or ${exitCodesTopic}`)
    .summary("explain a command, or the exit codes")
    .description("Explains a command, or what the exit codes mean.")
    .action(
      perform(async ({ print }, topic: readonly string[]) => {
        if (topic.length === 1 && topic[0] === exitCodesTopic) {
          const document = Object.entries(exitCodeMeanings).map(([name, meaning]) => ({
            // Object.entries forgets the names; they are those of the record's type.
            code: exitCodes[name as keyof typeof exitCodes],
            name,
            meaning,
          }));
          print(renderExitCodes(), { exitCodes: document });
        } else {
          const help = find(program, topic).helpInformation();
          print(help, { help });
        }
        return exitCodes.ok;
      }),
    );
}

/** @throws CliError when there is no such command. */
function find(program: Command, topic: readonly string[]): Command {
  let command = program;
  for (const word of topic) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) {
      const names = [
        ...command.commands.map((known) => known.name()),
        ...(command === program ? [exitCodesTopic] : []),
      ];
      throw new CliError("usage", "usage", `There is no help on "${word}": ${suggestion(word, names)}.`);
    }
    command = next;
  }
  return command;
}
