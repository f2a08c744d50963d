import { advance } from "#shared/lifecycle.ts";
import type { RepoTarget } from "#shared/run/run.ts";
import { changesetLifecycle, publishedOf, type Changeset, type ChangesetFact } from "./changeset.ts";
import { deselection, notSeenBecause, type SelectionVerdict } from "./deselection.ts";

/** What asking to publish a campaign makes of its changesets. */
export interface PublishAsked {
  /** To be written, each with a task: they wait for their turn now. */
  readonly ready: readonly Changeset[];
  /** To be written, each with a task: nothing selects them any more, and their pull requests are to be closed. */
  readonly closing: readonly Changeset[];
  /**
   * To be written: what is being published now is published again or closed afterwards, and what nothing selects any more
   * and has no pull request is withdrawn.
   */
  readonly others: readonly Changeset[];
  /** How many were waiting, being published or to be closed already. */
  readonly under_way: number;
  /** How many have an up-to-date pull request. */
  readonly published: number;
  /** How many are left to people: closed, merged, changed by them, or no longer wanted. */
  readonly left: number;
  /** Of those left, the ones with a pull request that the run did not come across. */
  readonly unseen: readonly Changeset[];
}

/**
 * Asks for every changeset that this run found a patch for, and for the end of those that are about what it has not
 * selected. A pull request of what the run did not come across is left alone: that is no verdict. Asking twice makes
 * nothing ready a second time.
 * @param targets All of the run.
 */
export function askToPublish(
  changesets: readonly Changeset[],
  run: number,
  targets: readonly RepoTarget[],
): PublishAsked {
  const ready: Changeset[] = [];
  const closing: Changeset[] = [];
  const others: Changeset[] = [];
  const unseen: Changeset[] = [];
  const counts = { under_way: 0, published: 0, left: 0 };
  const verdictOn = deselection(targets);
  for (const changeset of changesets) {
    const { state, desired } = changeset;
    const verdict = verdictOn(changeset);
    const fact = factOf(changeset, run, verdict);
    const next = fact && advance(changesetLifecycle, state, fact);
    // The run is noted, so that what an earlier one found and is late with does not bring it back.
    const asked = next && { ...changeset, desired: { ...desired, run }, state: next };
    if (verdict.kind === "not-seen" && hasOpenPullRequest(changeset)) {
      unseen.push(changeset);
      counts.left += 1;
    } else if (asked?.state.status === "ready") ready.push(asked);
    else if (asked?.state.status === "closing") closing.push(asked);
    else {
      if (asked !== undefined) others.push(asked);
      const { status } = asked?.state ?? state;
      if (status === "ready" || status === "publishing" || status === "closing") counts.under_way += 1;
      else if (status === "open") counts.published += 1;
      else counts.left += 1;
    }
  }
  return { ready, closing, others, unseen, ...counts };
}

function factOf({ state, desired }: Changeset, run: number, verdict: SelectionVerdict): ChangesetFact | undefined {
  if (verdict.kind === "deselected") {
    const mayHaveOne = state.status === "publishing" || publishedOf(state) !== undefined;
    return { fact: mayHaveOne ? "close-asked" : "patch-lost", because: verdict.because };
  }
  if (verdict.kind === "not-seen") return { fact: "patch-lost", because: notSeenBecause };
  return desired.run === run ? { fact: "publish-asked", desired } : undefined;
}

/** Whether it has a pull request that is open as far as we know, and that is not on its way anywhere. */
function hasOpenPullRequest({ state }: Changeset): boolean {
  return publishedOf(state) !== undefined && ["ready", "open", "failed", "needs-human"].includes(state.status);
}
