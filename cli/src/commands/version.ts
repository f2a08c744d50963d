import type { Command } from "commander";
import packageJson from "../../../package.json" with { type: "json" };
import { exitCodes } from "../exit-codes.ts";
import type { Perform } from "../session.ts";

export const { version } = packageJson;

export function declareVersion(program: Command, perform: Perform): void {
  program
    .command("version")
    .summary("print the version of this command")
    .description("Prints the version of this command.")
    .action(
      perform(async ({ print }) => {
        print(`octobatch ${version}\n`, { version });
        return exitCodes.ok;
      }),
    );
}
