import { advance } from "#shared/lifecycle.ts";
import type { RepoTarget } from "#shared/run/run.ts";
import { changesetLifecycle, publishedOf, type Changeset, type ChangesetFact } from "./changeset.ts";
import { deselection } from "./deselection.ts";

/** What asking to publish a campaign makes of its changesets. */
export interface PublishAsked {
  /** To be written, each with a task: they wait for their turn now. */
  readonly ready: readonly Changeset[];
  /** To be written, each with a task: nothing selects them any more, and their pull requests are to be closed. */
  readonly closing: readonly Changeset[];
  /**
   * To be written: what is being published now is published again afterwards, and what nothing selects any more and has no
   * pull request is withdrawn.
   */
  readonly others: readonly Changeset[];
  /** How many were waiting, being published or to be closed already. */
  readonly under_way: number;
  /** How many have an up-to-date pull request. */
  readonly published: number;
  /** How many are left to people: closed, merged, changed by them, or no longer wanted. */
  readonly left: number;
}

/**
 * Asks for every changeset that this run found a patch for, and for the end of those that are about what it has not
 * selected. Asking twice makes nothing ready a second time.
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
  const counts = { under_way: 0, published: 0, left: 0 };
  const whyDeselected = deselection(targets);
  for (const changeset of changesets) {
    const { state } = changeset;
    const fact = factOf(changeset, run, whyDeselected(changeset));
    const next = fact && advance(changesetLifecycle, state, fact);
    const asked = next && { ...changeset, state: next };
    if (asked?.state.status === "ready") ready.push(asked);
    else if (asked?.state.status === "closing") closing.push(asked);
    else {
      if (asked !== undefined) others.push(asked);
      const { status } = asked?.state ?? state;
      if (status === "ready" || status === "publishing" || status === "closing") counts.under_way += 1;
      else if (status === "open") counts.published += 1;
      else counts.left += 1;
    }
  }
  return { ready, closing, others, ...counts };
}

function factOf(
  { state, desired }: Changeset,
  run: number,
  whyDeselected: string | undefined,
): ChangesetFact | undefined {
  if (whyDeselected !== undefined) {
    const fact = publishedOf(state) === undefined ? "patch-lost" : "close-asked";
    return { fact, because: whyDeselected };
  }
  return desired.run === run ? { fact: "publish-asked", desired } : undefined;
}
