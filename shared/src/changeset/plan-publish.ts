import type { Campaign } from "#shared/campaign/campaign.ts";
import { hashOf } from "#shared/hash.ts";
import type { PublicationSize } from "#shared/ports/code-host.ts";
import type { Spec } from "#shared/spec/spec.ts";
import { desiredNow, publishedOf, type Changeset, type Published } from "./changeset.ts";

/** What publishing a changeset means now. */
export type PublishPlan =
  | { readonly kind: "leave"; readonly because: string }
  /** Nothing wants it any more: close its pull request. */
  | { readonly kind: "close"; readonly published: Published }
  | PublicationPlan;

/** How what is wanted comes onto the code host. */
export type PublicationPlan =
  /** There is no pull request of it yet: make one, from this branch. */
  | { readonly kind: "open"; readonly branch: string }
  /** There is one: bring its branch and its text up to date. */
  | { readonly kind: "update"; readonly branch: string; readonly published: Published };

/** Decides whether a changeset is to be published, and as what. */
export function planPublish(changeset: Changeset, campaign: Campaign): PublishPlan {
  const { state } = changeset;
  if (campaign.state.status === "killed") return { kind: "leave", because: "its campaign was killed" };
  if (state.status === "closing") return { kind: "close", published: state.published };
  if (state.status !== "ready" && state.status !== "publishing") {
    return { kind: "leave", because: `it is ${state.status}` };
  }
  const published = publishedOf(state);
  if (published === undefined) {
    // What was pushed before is gone on with: there may be a pull request of it that nobody lived to write down.
    return { kind: "open", branch: state.pushed?.branch ?? branchBeside(branchName(changeset), state.leftBranch) };
  }
  return { kind: "update", branch: published.branch, published };
}

/** How much publishing is going to ask of the code host. */
export function sizeOf(plan: PublicationPlan, { pullRequest }: Spec): PublicationSize {
  const { labels, assignees, reviewers, teamReviewers } = pullRequest;
  const asksForReview = reviewers.length + teamReviewers.length > 0;
  const additions = [labels.length > 0, assignees.length > 0, asksForReview].filter(Boolean).length;
  return { opens: plan.kind === "open", additions, asksForReview, asksTeams: teamReviewers.length > 0 };
}

/**
 * `campaign/<campaign>/<spec version>/<owner>-<name>`, and for a workspace `-<its path>-<hash of its path>` after it: found
 * again by anyone who knows the changeset, and no directory of another one, which git would refuse.
 */
export function branchName(changeset: Changeset): string {
  const { campaign, repository, workspace } = changeset;
  const slug = slugOf(`${repository.owner}-${repository.name}`);
  const part = workspace === "" ? "" : `-${slugOf(workspace).slice(0, longestPart)}-${hashOf(workspace).slice(0, 8)}`;
  // git refuses "..", a component that begins with "." or ends with ".lock" or "." (git-check-ref-format).
  const safe = `${slug}${part}`
    .replaceAll(/\.{2,}/g, "-")
    .replace(/^\.+/, "")
    .replace(/(\.lock|\.)+$/, "");
  return `campaign/${campaign}/${desiredNow(changeset).specVersion}/${safe}`;
}

/** GitHub takes refs of up to 255 bytes, which this leaves room for. */
const longestPart = 60;

function slugOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, "-");
}

/** The branch itself, or, when that one is left, the next one beside it: `…-2`, `…-3`. */
function branchBeside(branch: string, left: string | undefined): string {
  if (left === branch) return `${branch}-2`;
  const beside = left?.startsWith(`${branch}-`) ? /^[0-9]+$/.exec(left.slice(branch.length + 1)) : undefined;
  return beside ? `${branch}-${Number(beside[0]) + 1}` : branch;
}

/** What to do with the branch of a changeset, whose head is `head` now. */
export type BranchPlan =
  | { readonly kind: "in-place" }
  | { readonly kind: "move"; readonly from: string | undefined }
  /** People have committed to it. */
  | { readonly kind: "drifted" };

export function planBranch(facts: {
  readonly head: string | undefined;
  readonly commit: string;
  /** The head as we left it, if we have moved the branch before. */
  readonly ours: string | undefined;
  readonly overwrite: boolean;
}): BranchPlan {
  const { head, commit, ours, overwrite } = facts;
  if (head === commit) return { kind: "in-place" };
  if (head === undefined || head === ours || overwrite) return { kind: "move", from: head };
  return { kind: "drifted" };
}

/** The UTC date, `YYYY-MM-DD`: what the daily caps count by. */
export function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10);
}

/** A request that begins in a day's last minute may arrive on the next day, so nothing is opened in it. */
const dayEndMarginMs = 60_000;
const dayMs = 24 * 60 * 60_000;

/** When the next day begins that pull requests may be opened on, if this is not such a moment. */
export function isDayEnding(at: Date): boolean {
  return at.getTime() % dayMs >= dayMs - dayEndMarginMs;
}

/** The beginning of the day (UTC) after this instant, in milliseconds since 1970. */
export function nextDayMs(at: Date): number {
  return (Math.floor(at.getTime() / dayMs) + 1) * dayMs;
}
