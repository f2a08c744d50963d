import type { Command } from "commander";
import type { Logs } from "../api-client.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Perform } from "../session.ts";
import { neutralise, oneLine, type Paint } from "../terminal.ts";
import { campaignArgument, repositoryArgument } from "./names.ts";

export function declareLogs(program: Command, perform: Perform): void {
  program
    .command("logs")
    .argument("<campaign>", "its name", campaignArgument)
    .argument("<repository>", "owner/name", repositoryArgument)
    .summary("show what the steps printed in a repository")
    .description("Shows what the steps printed in a repository during the newest run, with secrets redacted.")
    .action(
      perform(async ({ api, print, paint, io }, campaign: string, repository: string) => {
        const logs = await (await api()).logs(campaign, repository);
        print(renderLogs(logs, paint, io.stdout.isTerminal), { campaign, repository, ...logs });
        return exitCodes.ok;
      }),
    );
}

/** Each step under a heading. Away from a terminal what a step printed is passed on as it is. */
function renderLogs({ steps, failure }: Logs, paint: Paint, forTerminal: boolean): string {
  const parts = steps.map((step) => {
    const { index, name, status, exitCode, durationMs, truncated, log } = step;
    const facts = [
      `step ${index + 1}${name === undefined ? "" : ` (${oneLine(name)})`}`,
      status,
      ...(exitCode === undefined ? [] : [`exit code ${exitCode}`]),
      `${(durationMs / 1000).toFixed(1)} s`,
      ...(truncated ? ["the log was cut"] : []),
      ...(log === "" && status !== "not-reached" ? ["printed nothing"] : []),
    ];
    const text = forTerminal ? neutralise(log.replaceAll("\r\n", "\n")) : log;
    return `${paint("bold", `== ${facts.join(", ")}`)}\n${endLine(text)}`;
  });
  if (steps.length === 0) parts.push("No step was run.\n");
  if (failure !== undefined) parts.push(`${paint("red", `== failed: ${oneLine(failure)}`)}\n`);
  return parts.join("");
}

function endLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
