import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Perform, Session } from "../session.ts";
import { campaignArgument } from "./names.ts";
import { describeCampaign } from "./pause-resume.ts";

export function declareKill(program: Command, perform: Perform): void {
  program
    .command("kill")
    .argument("<campaign>", "its name", campaignArgument)
    .option("-y, --yes", "do not ask; needed where nobody can answer")
    .summary("end a campaign for good")
    .description(
      "Ends a campaign for good: once this has answered, no new change to GitHub begins, and what was to be done is " +
        "cancelled. Pull requests stay as they are.",
    )
    .action(
      perform(async (session, name: string, { yes }: { readonly yes?: true }) => {
        const api = await session.api();
        if (yes !== true) {
          assertCanAsk(session);
          // Asked first, so that a name that is wrong is told before the question.
          const { standings } = await api.status(name);
          await confirm(session, name, standings.open ?? 0);
        }
        const campaign = await api.steer(name, "kill");
        session.print(`${describeCampaign(campaign)}\n`, campaign);
        return exitCodes.ok;
      }),
    );
}

function assertCanAsk({ io, options }: Session): void {
  if (io.ask !== undefined && !options.json) return;
  throw new CliError(
    "usage",
    "needs-confirmation",
    "Killing a campaign is for good, and there is nobody to ask here.",
    {
      remedy: "Add --yes if it is meant.",
    },
  );
}

async function confirm({ io }: Session, name: string, open: number): Promise<void> {
  const answer = await io.ask?.(`Kill ${name} for good? Its ${open} open pull requests stay. [y/N] `);
  io.interrupted.throwIfAborted();
  if (/^y(es)?$/iu.test(answer?.trim() ?? "")) return;
  throw new CliError("refused", "not-confirmed", `Campaign ${name} was left as it is.`);
}
