import type { Command } from "commander";
import { exitCodes } from "../exit-codes.ts";
import type { Perform } from "../session.ts";
import { renderTable } from "../table.ts";
import {
  campaignArgument,
  repositoryArgument,
  workspaceMeaning,
  workspaceOption,
  type WorkspaceOptions,
} from "./names.ts";

export function declareArtifacts(program: Command, perform: Perform): void {
  program
    .command("artifacts")
    .argument("<campaign>", "its name", campaignArgument)
    .argument("<repository>", "owner/name", repositoryArgument)
    .option(workspaceOption, workspaceMeaning)
    .summary("list what a preview left of a repository")
    .description(
      "Lists what is kept of a repository's preview: the patch, the changed files, the result, and a log of each step.",
    )
    .action(
      perform(async ({ api, print, paint }, campaign: string, repository: string, { workspace }: WorkspaceOptions) => {
        const artifacts = await (await api()).artifacts(campaign, repository, workspace);
        const rows = artifacts.map(({ kind, step, sizeBytes }) => [
          kind,
          step === undefined ? "" : String(step + 1),
          String(sizeBytes),
        ]);
        const place = { campaign, repository, ...(workspace === undefined ? {} : { workspace }) };
        print(renderTable(["KIND", "STEP", "BYTES"], rows, { paint }), { ...place, artifacts });
        return exitCodes.ok;
      }),
    );
}
