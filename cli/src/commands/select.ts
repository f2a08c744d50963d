import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { Interruption } from "../io.ts";
import { readSelection } from "../read-selection.ts";
import { readSpec } from "../read-spec.ts";
import { renderSelection } from "../render-selection.ts";
import { createSelectionTally, type SelectionSum } from "../selection-tally.ts";
import type { Perform } from "../session.ts";
import { repositories } from "../standings.ts";

interface SelectOptions {
  readonly dryRun?: true;
  readonly all?: true;
}

export function declareSelect(program: Command, perform: Perform): void {
  program
    .command("select")
    .argument("<file>", "the spec; - reads it from standard input")
    .option("--dry-run", "needed: what is kept of a selection is made by `octobatch preview`")
    .option("--all", "list every repository as well")
    .summary("show which repositories a spec selects, and why, without storing anything")
    .description(
      "Shows which repositories a spec selects: how many are in and out, why, and how many requests to GitHub it took. " +
        "GitHub is only read, nothing is stored, and no step runs. Ctrl-C shows what was found so far.",
    )
    .action(
      perform(async (session, file: string, options: SelectOptions) => {
        if (options.dryRun !== true) throw notKept(file);
        const all = options.all === true;
        const { io, print, progress, paint } = session;
        const spec = await readSpec(file, io);
        const api = await session.api();
        const tally = createSelectionTally();
        const show = (isComplete: boolean): void => {
          progress.done();
          const sum = tally.sum();
          print(renderSelection(sum, { file, all, isComplete }, { paint, io }), documentOf(sum, { all, isComplete }));
        };
        try {
          for await (const page of readSelection(session, api, spec)) {
            tally.add(page);
            const { selected, excluded } = tally.counts();
            progress.show(`Selecting: ${repositories(selected + excluded)} seen, ${selected} in`);
          }
        } catch (error) {
          if (!(io.interrupted.reason instanceof Interruption)) throw error;
          if (tally.counts().selected + tally.counts().excluded > 0) show(false);
          throw cutShort(io.interrupted.reason, error);
        }
        show(true);
        return exitCodes.ok;
      }),
    );
}

function documentOf(
  { reasons, repositories: verdicts, ...sum }: SelectionSum,
  { all, isComplete }: { readonly all: boolean; readonly isComplete: boolean },
): unknown {
  return { ...sum, complete: isComplete, reasons, ...(all ? { repositories: verdicts } : {}) };
}

function notKept(file: string): CliError {
  return new CliError("usage", "usage", "A selection by itself is not kept: select needs --dry-run.", {
    remedy: `See what the spec selects with \`octobatch select ${file} --dry-run\`; the selection that is kept is made by \`octobatch preview\`.`,
  });
}

function cutShort({ by }: Interruption, cause: unknown): CliError {
  const exit = by === "SIGTERM" ? "terminated" : "interrupted";
  const what = exit === "terminated" ? "Terminated" : "Interrupted";
  return new CliError(exit, exit, `${what}: not all repositories were looked at.`, {
    remedy: "Nothing was stored, and nothing goes on. Run it again for the rest.",
    cause,
  });
}
