import { Option, type Command } from "commander";
import type { RepositoryView, StandingName, Status } from "../api-client.ts";
import { exitCodes } from "../exit-codes.ts";
import { renderDeadTasks } from "../render-findings.ts";
import { repositoryName } from "../repository-name.ts";
import type { Perform, Session } from "../session.ts";
import { renderCounts, repositories, standingNames, standingStyles } from "../standings.ts";
import { renderTable } from "../table.ts";
import { oneLine, type Paint } from "../terminal.ts";
import { renderRunProgress } from "../wait-for-preview.ts";
import { campaignStyles } from "./campaigns.ts";
import { campaignArgument } from "./names.ts";

interface StatusOptions {
  readonly standing?: StandingName;
  readonly all?: true;
}

/** What nobody has to look at, unless they ask. */
const quiet: ReadonlySet<StandingName> = new Set(["excluded", "no-change"]);
const shownAtMost = 100;

export function declareStatus(program: Command, perform: Perform): void {
  program
    .command("status")
    .argument("<campaign>", "its name", campaignArgument)
    .addOption(new Option("--standing <standing>", "only repositories that stand so").choices(standingNames))
    .option(
      "--all",
      `every repository: without it ${[...quiet].join(" and ")} are left out, and what is beyond ${shownAtMost}`,
    )
    .summary("show where each repository stands, and why")
    .description("Shows how far a campaign is: counts, and where each repository of the newest run stands, and why.")
    .action(
      perform(async ({ api, print, paint, io }, campaign: string, { standing, all }: StatusOptions) => {
        const client = await api();
        const status = await client.status(campaign);
        const limit = all === true || standing !== undefined ? Infinity : shownAtMost;
        const shown: RepositoryView[] = [];
        if (status.run !== undefined) {
          for await (const repository of client.repositories(campaign, standing)) {
            if (shown.length >= limit) break;
            if (all === true || standing !== undefined || !quiet.has(repository.standing)) shown.push(repository);
          }
        }
        print(renderStatus(status, shown, { standing, paint, io }), { ...status, repositories: shown });
        return exitCodes.ok;
      }),
    );
}

/** The campaign, its run, the counts, and a table of the repositories. */
export function renderStatus(
  status: Status,
  shown: readonly RepositoryView[],
  {
    standing,
    paint,
    io,
  }: { readonly standing: StandingName | undefined; readonly paint: Paint; readonly io: Pick<Session["io"], "stdout"> },
): string {
  const { campaign, run, standings, deadTasks } = status;
  const lines = [
    `${paint("bold", campaign.name)} is ${paint(campaignStyles[campaign.status], campaign.status)}, spec version ${campaign.currentVersion}`,
    ...renderRun(status),
    ...(run === undefined ? [] : [renderCounts(standings, paint)]),
    ...renderDeadTasks(deadTasks, paint),
  ];
  const total = Object.entries(standings).reduce(
    (sum, [name, count]) => sum + (standing === undefined || name === standing ? count : 0),
    0,
  );
  if (shown.length > 0) {
    const fitted = io.stdout.isTerminal ? { width: io.stdout.columns } : {};
    lines.push(
      "",
      renderTable(["REPOSITORY", "STANDING", "PULL REQUEST", "WHY"], shown.map(rowOf), { paint, ...fitted }).trimEnd(),
    );
  }
  const hidden = total - shown.length;
  if (hidden > 0) lines.push("", `${repositories(hidden)} more: octobatch status ${campaign.name} --all`);
  return `${lines.join("\n")}\n`;
}

function renderRun({ campaign, run }: Status): readonly string[] {
  if (run === undefined) return [`Not previewed yet: octobatch preview ${campaign.name}`];
  const { failure, finished, specVersion } = run;
  const older =
    specVersion === campaign.currentVersion ? "" : ` of spec version ${specVersion}, which is not the current one,`;
  if (failure !== undefined)
    return [`Run ${run.number}${older} could not select its repositories: ${oneLine(failure)}`];
  if (!finished) return [renderRunProgress(run, campaign.status)];
  return [
    `Run ${run.number}${older} is finished; it was asked for by ${oneLine(run.requestedBy)} at ${run.requestedAt}`,
  ];
}

function rowOf(repository: RepositoryView) {
  const { standing, pullRequest, because } = repository;
  return [
    repositoryName(repository),
    { text: standing, style: standingStyles[standing] },
    pullRequest?.url ?? "",
    because,
  ];
}
