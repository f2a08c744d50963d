import { Option, type Command } from "commander";
import { changeKind } from "#shared/api/schemas.ts";
import type { ChangesPage, ChangeSearch } from "../api-client.ts";
import { exitCodes } from "../exit-codes.ts";
import { renderChanges } from "../render-changes.ts";
import type { Perform } from "../session.ts";
import { campaignArgument } from "./names.ts";

interface ChangesOptions extends ChangeSearch {
  readonly all?: true;
}

const shownAtMost = 100;

export function declareChanges(program: Command, perform: Perform): void {
  program
    .command("changes")
    .argument("<campaign>", "its name", campaignArgument)
    .option("--path <glob>", "only files with such a path, now or before they were renamed: * ** ? {a,b}, in any case")
    .option("--added <text>", "only files with an added line that has this text, just as it is written")
    .option("--removed <text>", "only files with a removed line that has it")
    .addOption(new Option("--change <kind>", "only files that are changed so").choices(changeKind.options))
    .option("--all", `every repository: without it only the first ${shownAtMost}`)
    .summary("search the files and lines that the newest preview changes")
    .description(
      "Searches the patches of the newest preview: which repositories change which files, and which lines they add and " +
        "remove. Without options it lists every changed file.",
    )
    .action(
      perform(async ({ api, print, paint, io }, campaign: string, { all, ...search }: ChangesOptions) => {
        const found: ChangesPage["repositories"] = [];
        let last: ChangesPage | undefined;
        for await (const page of (await api()).changes(campaign, search, all === true ? 1000 : shownAtMost)) {
          found.push(...page.repositories);
          last = page;
          if (all !== true) break;
        }
        const { run, unsearched, next } = last ?? {};
        const hasMore = next !== undefined;
        const text = renderChanges(campaign, { run, unsearched, repositories: found, hasMore, search }, { paint, io });
        print(text, { campaign, run, repositories: found, unsearched, more: hasMore });
        return exitCodes.ok;
      }),
    );
}
