import { advance, type Lifecycle } from "#shared/lifecycle.ts";
import { Rejected } from "#shared/errors.ts";

/** A lasting intention: one spec, in versions, over many repositories. */
export interface Campaign {
  /** The identity: part of branch names and artifact keys. */
  readonly name: string;
  readonly state: CampaignState;
  /** The newest version of its spec. */
  readonly currentVersion: number;
  readonly createdAt: Date;
  /** Grows with every write; see {@link Conflict}. */
  readonly version: number;
}

export type CampaignState =
  { readonly status: "active" } | { readonly status: "paused" } | { readonly status: "killed" };

export type CampaignFact = { readonly fact: "paused" } | { readonly fact: "resumed" } | { readonly fact: "killed" };

export const campaignLifecycle: Lifecycle<CampaignState, CampaignFact> = {
  active: {
    paused: { to: "paused", state: () => ({ status: "paused" }) },
    killed: { to: "killed", state: () => ({ status: "killed" }) },
  },
  paused: {
    resumed: { to: "active", state: () => ({ status: "active" }) },
    killed: { to: "killed", state: () => ({ status: "killed" }) },
  },
  killed: {},
};

/**
 * The campaign after a person paused, resumed or killed it; the same campaign when it was so already.
 * @throws Rejected when it has been killed, which is for good.
 */
export function steer(campaign: Campaign, fact: CampaignFact): Campaign {
  const state = advance(campaignLifecycle, campaign.state, fact);
  if (state !== undefined) return { ...campaign, state };
  if (campaign.state.status === "killed" && fact.fact !== "killed") throw killed(campaign.name);
  return campaign;
}

/** @throws Rejected when the campaign was killed. */
export function assertAlive(campaign: Campaign): void {
  if (campaign.state.status === "killed") throw killed(campaign.name);
}

function killed(name: string): Rejected {
  return new Rejected(
    "conflict",
    `Campaign ${name} was killed, which is for good. Apply the spec under another name to start again.`,
  );
}
