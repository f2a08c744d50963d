import { Help, type Command } from "commander";
import { exitCodeMeanings, exitCodes } from "./exit-codes.ts";

/** The command line as Markdown, for docs/api/cli.md: what it can do is written once, where it is declared. */
export function describeProgram(program: Command): string {
  const commands = leaves(program).map((command) => describeCommand(command, pathOf(command)));
  return ["## Options of every command", describeOptions(program), "## Commands", ...commands].join("\n\n");
}

/** The exit codes as Markdown. */
export function describeExitCodes(): string {
  return Object.entries(exitCodeMeanings)
    .map(([name, meaning]) => {
      // Object.entries forgets the names; they are those of the record's type.
      const code = exitCodes[name as keyof typeof exitCodes];
      return `- \`${code}\`: ${meaning}`;
    })
    .join("\n");
}

function describeCommand(command: Command, path: string): string {
  const help = new Help();
  const usage = command.registeredArguments.map((argument) => help.argumentTerm(argument));
  const shape = command.registeredArguments.map(({ required, variadic }, index) => {
    const name = `${usage[index] ?? ""}${variadic ? "..." : ""}`;
    return required ? `<${name}>` : `[${name}]`;
  });
  const args = command.registeredArguments.map(
    (argument) => `- \`${help.argumentTerm(argument)}\`: ${help.argumentDescription(argument)}`,
  );
  const options = describeOptions(command);
  const details = [...args, ...(options === "" ? [] : [options])].join("\n");
  return [`### \`${[path, ...shape].join(" ")}\``, command.description(), ...(details === "" ? [] : [details])].join(
    "\n\n",
  );
}

function describeOptions(command: Command): string {
  const help = new Help();
  return help
    .visibleOptions(command)
    .filter(({ long }) => long !== "--help")
    .map((option) => `- \`${option.flags}\`: ${help.optionDescription(option)}`)
    .join("\n");
}

/** The commands that do something; those that only hold others are left out. */
function leaves(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
