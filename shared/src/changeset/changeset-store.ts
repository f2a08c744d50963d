import type { Changeset } from "./changeset.ts";

export interface ChangesetStore {
  /** @throws Rejected (not-found) when there is no such changeset. */
  get(id: string): Promise<Changeset>;

  /** Those of the changesets that exist. */
  find(ids: readonly string[]): Promise<ReadonlyMap<string, Changeset>>;

  /** All changesets of a campaign. */
  ofCampaign(campaign: string): Promise<readonly Changeset[]>;

  /** Those of a campaign that are about one repository or its workspaces. */
  ofRepository(campaign: string, repositoryId: number): Promise<readonly Changeset[]>;

  /** The changesets, of any campaign, that published this pull request or branch. */
  publishedAs(
    repositoryId: number,
    what: { readonly pullRequest: number } | { readonly branch: string },
  ): Promise<readonly Changeset[]>;

  /** Stores new changesets. @throws Conflict when one exists already. */
  addAll(changesets: readonly Omit<Changeset, "version">[], at: Date): Promise<void>;

  /** Writes state and desired. @throws Conflict when somebody else wrote since they were read; then none is written. */
  saveAll(changesets: readonly Changeset[], at: Date): Promise<void>;

  /** Notes that it was compared with the code host. */
  checked(id: string, at: Date): Promise<void>;

  /** Up to `limit` changesets with a pull request that were not compared since, the longest unseen first. */
  uncheckedSince(before: Date, limit: number): Promise<readonly Changeset[]>;
}

/** How many pull requests may be opened in a day: by everything in the organization, and by one campaign. */
export interface DailyCap {
  readonly organization: number;
  readonly campaign?: number;
}

export interface SlotRequest {
  readonly changesetId: string;
  readonly organization: string;
  readonly campaign: string;
  readonly day: string;
  readonly cap: DailyCap;
  readonly at: Date;
}

/** Which cap is full, if one is. */
export type SlotAnswer = "reserved" | "free" | "organization-full" | "campaign-full";

/**
 * The slots of the daily caps. A day is a UTC date, `YYYY-MM-DD`. Use it inside the transaction that decides to publish.
 */
export interface SlotStore {
  /**
   * Takes a slot of the day for the changeset, unless it has that day's already, giving back an unused one of an earlier
   * day. Concurrent reservations of one organization wait for each other. Answers which cap was full, if one was.
   */
  reserve(request: SlotRequest): Promise<Exclude<SlotAnswer, "free">>;

  /** Whether a slot of the day is free, or taken by this changeset: a look, that another may belie at once. */
  room(request: Omit<SlotRequest, "at">): Promise<SlotAnswer>;

  /** Marks the changeset's slot, if it has one, as used by an opened pull request: it stays taken. */
  used(changesetId: string): Promise<void>;

  /** Gives the changeset's unused slots back. */
  giveBack(changesetId: string): Promise<void>;
}
