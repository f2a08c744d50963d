import type { Command } from "commander";
import type { CampaignView } from "../api-client.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Perform } from "../session.ts";
import { renderTable } from "../table.ts";
import type { Paint, Style } from "../terminal.ts";

export function declareCampaigns(program: Command, perform: Perform): void {
  program
    .command("campaigns")
    .summary("list all campaigns")
    .description("Lists all campaigns, the newest first.")
    .action(
      perform(async ({ api, print, paint }) => {
        const campaigns = await (await api()).campaigns();
        print(renderCampaigns(campaigns, paint), { campaigns });
        return exitCodes.ok;
      }),
    );
}

function renderCampaigns(campaigns: readonly CampaignView[], paint: Paint): string {
  if (campaigns.length === 0) return "There are no campaigns yet. Make one: octobatch apply campaign.yaml\n";
  return renderTable(
    ["CAMPAIGN", "STATUS", "SPEC VERSION", "CREATED"],
    campaigns.map(({ name, status, currentVersion, createdAt }) => [
      name,
      { text: status, style: campaignStyles[status] },
      String(currentVersion),
      createdAt,
    ]),
    { paint },
  );
}

export const campaignStyles: Readonly<Record<CampaignView["status"], Style>> = {
  active: "green",
  paused: "yellow",
  killed: "red",
};
