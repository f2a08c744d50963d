import type { Command } from "commander";
import { pathOf, type Logs } from "../api-client.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { followLogs } from "../follow-logs.ts";
import { createLogPrinter } from "../log-printer.ts";
import type { Perform, Session } from "../session.ts";
import { neutralise, oneLine, type Paint } from "../terminal.ts";
import {
  campaignArgument,
  repositoryArgument,
  wholeNumber,
  workspaceMeaning,
  workspaceOption,
  type WorkspaceOptions,
} from "./names.ts";

interface LogsOptions extends WorkspaceOptions {
  readonly follow?: true;
  /** From 1. */
  readonly step?: number;
}

export function declareLogs(program: Command, perform: Perform): void {
  program
    .command("logs")
    .argument("<campaign>", "its name", campaignArgument)
    .argument("<repository>", "owner/name", repositoryArgument)
    .option(workspaceOption, workspaceMeaning)
    .option("-f, --follow", "print what the steps print as it comes, until they have ended")
    .option("--step <number>", "only this step; the first is 1", wholeNumber(1))
    .summary("show what the steps printed in a repository")
    .description(
      "Shows what the steps printed in a repository during the newest run, with secrets redacted; while they run, what there " +
        "is so far. With --follow it goes on until they have ended, and ends with 6 when they failed. On a terminal each step " +
        "has a heading; elsewhere --follow prints what the steps print and nothing else.",
    )
    .action(
      perform(async (session, campaign: string, repository: string, options: LogsOptions) => {
        const { api, print, paint, io } = session;
        const { follow, step, workspace } = options;
        const code = follow === true ? await followThem(session, campaign, repository, options) : exitCodes.ok;
        if (follow === true && !session.options.json) return code;
        const logs = await (await api()).logs(campaign, repository, workspace);
        const steps = step === undefined ? logs.steps : logs.steps.filter(({ index }) => index === step - 1);
        const shown = { ...logs, steps };
        print(renderLogs(shown, paint, io.stdout.isTerminal), {
          campaign,
          repository,
          ...(workspace === undefined ? {} : { workspace }),
          ...shown,
        });
        return code;
      }),
    );
}

/** Prints as it comes, unless one document is wanted in the end. @returns What the outcome means. */
async function followThem(
  { bodies, io, paint, options }: Session,
  campaign: string,
  repository: string,
  { step, workspace }: LogsOptions,
): Promise<ExitCode> {
  const query = new URLSearchParams({
    ...(workspace === undefined ? {} : { workspace }),
    ...(step === undefined ? {} : { step: String(step - 1) }),
  });
  const path = `${pathOf(campaign, repository)}/logs/stream${query.size === 0 ? "" : `?${query.toString()}`}`;
  const show = options.json ? () => {} : createLogPrinter(io.stdout, io.stderr, paint);
  for await (const event of followLogs(await bodies(), io, path)) {
    show(event);
    if (event.event === "end") return codeOf[event.status];
  }
  throw new TypeError("a stream that is followed ends with an end");
}

const codeOf = {
  "no-change": exitCodes.ok,
  patch: exitCodes.ok,
  failed: exitCodes.someFailed,
  cancelled: exitCodes.conflict,
  expired: exitCodes.notFound,
} as const;

/** Each step under a heading. Away from a terminal what a step printed is passed on as it is. */
function renderLogs({ steps, failure, status: whole }: Logs, paint: Paint, forTerminal: boolean): string {
  const parts = steps.map((step) => {
    const { index, name, status, exitCode, durationMs, truncated, log } = step;
    const facts = [
      `step ${index + 1}${name === undefined ? "" : ` (${oneLine(name)})`}`,
      status,
      ...(exitCode === undefined ? [] : [`exit code ${exitCode}`]),
      ...(status === "running" ? [] : [`${(durationMs / 1000).toFixed(1)} s`]),
      ...(truncated ? ["the log was cut"] : []),
      ...(log === "" && status !== "not-reached" && status !== "running" ? ["printed nothing"] : []),
    ];
    const text = forTerminal ? neutralise(log.replaceAll("\r\n", "\n")) : log;
    return `${paint("bold", `== ${facts.join(", ")}`)}\n${endLine(text)}`;
  });
  const isUnderWay = whole === "pending" || whole === "running";
  if (isUnderWay) parts.push(`${paint("bold", `== ${whole}; with --follow more is shown as it comes`)}\n`);
  else if (steps.length === 0) parts.push("No step was run.\n");
  if (failure !== undefined) parts.push(`${paint("red", `== failed: ${oneLine(failure)}`)}\n`);
  return parts.join("");
}

function endLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
