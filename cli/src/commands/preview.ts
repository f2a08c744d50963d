import { type Command } from "commander";
import type { RepositoryView } from "../api-client.ts";
import { CliError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { collect, renderDeadTasks, renderReasons } from "../render-findings.ts";
import type { Perform } from "../session.ts";
import { repositories } from "../standings.ts";
import type { Paint } from "../terminal.ts";
import { waitForPreview, type RunStatus } from "../wait-for-preview.ts";
import { campaignArgument, durationMs } from "./names.ts";

interface PreviewOptions {
  readonly wait: boolean;
  readonly timeout?: number;
  readonly failOnError?: true;
}

export function declarePreview(program: Command, perform: Perform): void {
  program
    .command("preview")
    .argument("<campaign>", "its name", campaignArgument)
    .option("--no-wait", "start the run and end")
    .option("--timeout <duration>", "stop waiting after so long, such as 90s, 10m or 2h; the run goes on", durationMs)
    .option("--fail-on-error", "end with exit code 6 when repositories failed")
    .summary("select repositories and run the steps, without writing to GitHub")
    .description(
      "Selects the repositories and runs the steps in a sandbox for each; GitHub is only read. Joins the run of the current " +
        "spec version when one is under way. Waits for the end and sums it up.",
    )
    .action(
      perform(async (session, campaign: string, options: PreviewOptions) => {
        const { print, paint } = session;
        const api = await session.api();
        const { started, run } = await api.preview(campaign);
        if (!options.wait) {
          const what = started ? "has started" : "was under way already";
          print(`Run ${run.number} of ${campaign} (spec version ${run.specVersion}) ${what}.\n`, { started, run });
          return exitCodes.ok;
        }
        const status = await waitForPreview(session, api, run, options.timeout);
        session.progress.done();
        if (status.run.failure !== undefined) throw givenUp(campaign, status.run.failure);
        const failed =
          status.run.progress.failed === 0 ? [] : await collect(api.repositories(campaign, "execution-failed"));
        const { standings, deadTasks } = status;
        print(renderPreview(status, failed, paint), { started, run: status.run, standings, failed, deadTasks });
        // Killed meanwhile: what had not run is cancelled.
        if (status.run.progress.cancelled > 0) return exitCodes.conflict;
        return options.failOnError === true && status.run.progress.failed > 0 ? exitCodes.someFailed : exitCodes.ok;
      }),
    );
}

function givenUp(campaign: string, failure: string): CliError {
  return new CliError(
    "refused",
    "selection-failed",
    `The repositories of ${campaign} could not be selected: ${failure}`,
    {
      remedy: `Mend what it says, then preview again: octobatch preview ${campaign}`,
    },
  );
}

/** The end of a preview: how many got what, what failed and why, what comes next. */
export function renderPreview(
  { campaign, run, deadTasks }: RunStatus,
  failed: readonly RepositoryView[],
  paint: Paint,
): string {
  const { seen, selected, patches, noChange, cancelled } = run.progress;
  const counts = [
    paint("green", `${patches} with a patch`),
    `${noChange} without a change`,
    run.progress.failed === 0 ? "0 failed" : paint("red", `${run.progress.failed} failed`),
    `${seen - selected} excluded`,
    ...(cancelled === 0 ? [] : [`${cancelled} cancelled`]),
  ];
  const { name } = campaign;
  const lines = [
    `Run ${run.number} of ${name} (spec version ${run.specVersion}) looked at ${repositories(seen)}:`,
    `  ${counts.join(", ")}`,
    ...renderReasons("Failed:", failed, "red", paint),
    ...renderDeadTasks(deadTasks, paint),
    patches === 0
      ? `See why: octobatch status ${name} --all`
      : `Next: octobatch diff ${name}, then octobatch publish ${name}`,
  ];
  return `${lines.join("\n")}\n`;
}
