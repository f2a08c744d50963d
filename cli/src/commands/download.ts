import { Option, type Command } from "commander";
import { resolve } from "node:path";
import { pathOf, type ArtifactView } from "../api-client.ts";
import { CliError } from "../cli-error.ts";
import { openDownload } from "../download.ts";
import { exitCodes } from "../exit-codes.ts";
import { refuseTaken, saveFile } from "../save-file.ts";
import type { Perform } from "../session.ts";
import { oneLine } from "../terminal.ts";
import {
  campaignArgument,
  repositoryArgument,
  wholeNumber,
  workspaceMeaning,
  workspaceOption,
  type WorkspaceOptions,
} from "./names.ts";

interface DownloadOptions extends WorkspaceOptions {
  readonly kind?: ArtifactView["kind"];
  /** From 1. */
  readonly step?: number;
  readonly output: string;
  readonly force?: true;
}

/** Names are made here: what the service says of a file has no say in where it goes. */
const endings = { patch: "patch.diff", changes: "changes.json", result: "result.json" } as const;

export function declareDownload(program: Command, perform: Perform): void {
  program
    .command("download")
    .argument("<campaign>", "its name", campaignArgument)
    .argument("<repository>", "owner/name", repositoryArgument)
    .option(workspaceOption, workspaceMeaning)
    .addOption(
      new Option("--kind <kind>", "only this; all of them without it").choices(["patch", "changes", "result", "log"]),
    )
    .option("--step <number>", "only the log of this step; the first is 1", wholeNumber(1))
    .option("-o, --output <folder>", "where the files go; it is made when it is missing", ".")
    .option("--force", "write over files that are there")
    .summary("save what a preview left of a repository")
    .description(
      "Saves what is kept of a repository's preview as files: OWNER-NAME.patch.diff, .changes.json, .result.json, and " +
        ".step-1.log and so on. A file appears whole or not at all, and none is written over without --force.",
    )
    .action(
      perform(
        async (
          { api, bodies, print, progress, io },
          campaign: string,
          repository: string,
          options: DownloadOptions,
        ) => {
          const { workspace, output, force = false } = options;
          const artifacts = (await (await api()).artifacts(campaign, repository, workspace)).filter(
            ({ kind, step }) =>
              (options.kind === undefined || kind === options.kind) &&
              (options.step === undefined || step === options.step - 1),
          );
          if (artifacts.length === 0) throw nothingThere(campaign, repository);
          const folder = resolve(io.cwd, output);
          const stem = [repository, ...(workspace === undefined || workspace === "." ? [] : [workspace])]
            .join("-")
            .replaceAll(/[^\w.-]+/gu, "-");
          const wanted = artifacts.map((artifact) => ({
            artifact,
            path: resolve(folder, `${stem}.${endingOf(artifact)}`),
          }));
          if (!force) await refuseTaken(wanted.map(({ path }) => path));
          const open = await bodies();
          const files = [];
          for (const { artifact, path } of wanted) {
            progress.show(`Saving ${oneLine(path)} (${artifact.sizeBytes} bytes)`);
            const { kind, step, sizeBytes } = artifact;
            const query = new URLSearchParams({
              ...(workspace === undefined ? {} : { workspace }),
              ...(step === undefined ? {} : { step: String(step) }),
            });
            const at = `${pathOf(campaign, repository)}/artifacts/${kind}${query.size === 0 ? "" : `?${query.toString()}`}`;
            await saveFile(path, await openDownload(open, io, at), { sizeBytes, force });
            files.push({ kind, ...(step === undefined ? {} : { step: step + 1 }), path, sizeBytes });
          }
          progress.done();
          print(files.map(({ path }) => `${oneLine(path)}\n`).join(""), { campaign, repository, files });
          return exitCodes.ok;
        },
      ),
    );
}

function endingOf({ kind, step = 0 }: ArtifactView): string {
  return kind === "log" ? `step-${step + 1}.log` : endings[kind];
}

function nothingThere(campaign: string, repository: string): CliError {
  return new CliError("notFound", "not-found", `${repository} has no such artifact in the newest run of ${campaign}.`, {
    remedy: `See what there is: octobatch artifacts ${campaign} ${repository}`,
  });
}
