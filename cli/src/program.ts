import { Command } from "commander";
import { declareApp } from "./commands/app.ts";
import { declareApply } from "./commands/apply.ts";
import { declareArtifacts } from "./commands/artifacts.ts";
import { declareAudit } from "./commands/audit.ts";
import { declareCampaigns } from "./commands/campaigns.ts";
import { declareChanges } from "./commands/changes.ts";
import { declareDev, type RunDev } from "./commands/dev.ts";
import { declareDiff } from "./commands/diff.ts";
import { declareDownload } from "./commands/download.ts";
import { declareHelp } from "./commands/help.ts";
import { declareKill } from "./commands/kill.ts";
import { declareLogs } from "./commands/logs.ts";
import { declarePause, declareResume } from "./commands/pause-resume.ts";
import { declarePreview } from "./commands/preview.ts";
import { declarePublish } from "./commands/publish.ts";
import { declareSelect } from "./commands/select.ts";
import { declareStatus } from "./commands/status.ts";
import { declareTry } from "./commands/try.ts";
import { declareVersion, version } from "./commands/version.ts";
import { defaultDataDirectory } from "./connection.ts";
import type { Io } from "./io.ts";
import type { Perform } from "./session.ts";

export type { RunDev } from "./commands/dev.ts";

/**
 * Declares the command line: every command with its arguments, options and help.
 *
 * Instead of ending the process it throws CommanderError, with exit code 0 when help or the version was asked for.
 */
export function createProgram(
  io: Io,
  perform: Perform,
  { json, runDev }: { readonly json: boolean; readonly runDev?: RunDev | undefined },
): Command {
  const program = new Command("octobatch")
    .description("Campaigns of bulk pull requests for GitHub: one spec, applied to thousands of repositories.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // Errors are reported by who runs this, as text or as JSON; help that nobody asked for goes with the text.
      writeErr: (text) => (json ? undefined : io.stderr.write(text)),
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns,
      getErrHelpWidth: () => io.stderr.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .version(version, "-V, --version", "print the version and end")
    .option("--url <address>", "address of the server (else OCTOBATCH_URL, else what `octobatch dev` left in --data)")
    .option("--token <token>", "what lets you in (else OCTOBATCH_TOKEN, else what `octobatch dev` left in --data)")
    .option("--data <folder>", "folder where `octobatch dev` keeps its data", defaultDataDirectory)
    .option("--json", "print one JSON document, errors included")
    .option("--no-color", "print without colours, as with NO_COLOR");
  declareApply(program, perform);
  declareSelect(program, perform);
  declareTry(program, perform);
  declarePreview(program, perform);
  declarePublish(program, perform);
  declareStatus(program, perform);
  declareLogs(program, perform);
  declareDiff(program, perform);
  declareArtifacts(program, perform);
  declareDownload(program, perform);
  declareChanges(program, perform);
  declarePause(program, perform);
  declareResume(program, perform);
  declareKill(program, perform);
  declareCampaigns(program, perform);
  declareAudit(program, perform);
  declareApp(program, perform);
  declareDev(program, perform, runDev);
  declareVersion(program, perform);
  declareHelp(program, perform);
  program.addHelpText("after", "\nExit codes: octobatch help exit-codes");
  return program;
}
