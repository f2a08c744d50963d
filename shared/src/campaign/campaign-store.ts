import type { Spec } from "#shared/spec/spec.ts";
import type { Campaign } from "./campaign.ts";

/** One version of a campaign's spec, as it was applied. */
export interface SpecVersion {
  readonly campaign: string;
  readonly number: number;
  readonly raw: string;
  readonly spec: Spec;
  /** Of the whole normalized spec. */
  readonly specHash: string;
  /** Of what decides an execution's result alone. */
  readonly stepsHash: string;
  readonly appliedBy: string;
  readonly appliedAt: Date;
}

/** A version to be stored; the store numbers it. */
export interface NewSpecVersion extends Omit<SpecVersion, "number"> {
  readonly normalized: string;
}

export interface CampaignStore {
  /** @throws Rejected (not-found) when there is no such campaign. */
  get(name: string): Promise<Campaign>;

  /** All campaigns, the newest first. */
  list(): Promise<readonly Campaign[]>;

  /**
   * Stores a version of the spec, making the campaign when it is new. The same spec as the current version is not
   * stored again, so doing it twice is safe. @throws Rejected (conflict) when the campaign was killed.
   */
  apply(version: NewSpecVersion): Promise<{ readonly version: SpecVersion; readonly changed: boolean }>;

  /** Writes the state. @throws Conflict when somebody else wrote since it was read. */
  save(campaign: Campaign, at: Date): Promise<void>;

  /** @throws Rejected (not-found) when there is no such version. */
  specVersion(campaign: string, number: number): Promise<SpecVersion>;

  /** Every version, the oldest first. */
  specVersions(campaign: string): Promise<readonly SpecVersion[]>;
}

/**
 * Lets mutations of a campaign begin only while it is active. Pausing and killing wait for those that have begun, so
 * that once they have been answered no new one begins.
 */
export interface MutationGate {
  /** Runs the mutation. @throws CampaignHeld, without having run it, unless the campaign is active. */
  whileActive<Result>(campaign: string, mutation: () => Promise<Result>): Promise<Result>;
}

/** The campaign is paused or killed. */
export class CampaignHeld extends Error {
  override readonly name = "CampaignHeld";
  readonly status: "paused" | "killed";
  constructor(campaign: string, status: "paused" | "killed") {
    super(`Campaign ${campaign} is ${status}.`);
    this.status = status;
  }
}
