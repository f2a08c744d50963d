import type { Command } from "commander";
import { exitCodes } from "../exit-codes.ts";
import { readSpec } from "../read-spec.ts";
import type { Perform } from "../session.ts";

export function declareApply(program: Command, perform: Perform): void {
  program
    .command("apply")
    .argument("<file>", "the spec; - reads it from standard input")
    .summary("store a version of a spec, making its campaign when it is new")
    .description(
      "Checks a spec and stores it as the current version of its campaign, making the campaign when it is new. " +
        "Nothing is run: preview comes next. What is wrong with a spec is printed as file:line:column.",
    )
    .action(
      perform(async ({ api, print, io }, file: string) => {
        const { spec, source } = await readSpec(file, io);
        const applied = await (await api()).apply(spec, source);
        const { campaign, specVersion, changed } = applied;
        const what = changed
          ? `is at spec version ${specVersion} now`
          : `is at this spec already (version ${specVersion})`;
        print(`Campaign ${campaign} ${what}. Next: octobatch preview ${campaign}\n`, applied);
        return exitCodes.ok;
      }),
    );
}
