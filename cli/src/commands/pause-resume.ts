import type { Command } from "commander";
import type { CampaignView } from "../api-client.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Perform, Session } from "../session.ts";
import { campaignArgument } from "./names.ts";

export function declarePause(program: Command, perform: Perform): void {
  program
    .command("pause")
    .argument("<campaign>", "its name", campaignArgument)
    .summary("stop a campaign for now")
    .description("Stops a campaign for now: once this has answered, no new change to GitHub begins.")
    .action(perform((session, campaign: string) => steer(session, campaign, "pause")));
}

export function declareResume(program: Command, perform: Perform): void {
  program
    .command("resume")
    .argument("<campaign>", "its name", campaignArgument)
    .summary("let a paused campaign go on")
    .description("Lets a paused campaign go on where it stopped.")
    .action(perform((session, campaign: string) => steer(session, campaign, "resume")));
}

async function steer({ api, print }: Session, name: string, verb: "pause" | "resume") {
  const campaign = await (await api()).steer(name, verb);
  print(`${describeCampaign(campaign)}\n`, campaign);
  return exitCodes.ok;
}

/** One sentence on what a campaign does now. */
export function describeCampaign({ name, status }: CampaignView): string {
  return {
    active: `Campaign ${name} is active.`,
    paused: `Campaign ${name} is paused: no new change to GitHub begins until \`octobatch resume ${name}\`.`,
    killed: `Campaign ${name} is killed: no new change to GitHub begins. Its pull requests stay as they are.`,
  }[status];
}
