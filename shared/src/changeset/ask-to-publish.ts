import { advance } from "#shared/lifecycle.ts";
import { changesetLifecycle, type Changeset } from "./changeset.ts";

/** What asking to publish a campaign makes of its changesets. */
export interface PublishAsked {
  /** To be written, each with a task: they wait for their turn now. */
  readonly ready: readonly Changeset[];
  /** To be written: what is being published now is published again afterwards. */
  readonly again: readonly Changeset[];
  /** How many were waiting or being published already. */
  readonly under_way: number;
  /** How many have an up-to-date pull request. */
  readonly published: number;
  /** How many are left to people: closed, merged, changed by them, or no longer wanted. */
  readonly left: number;
}

/** Asks for every changeset that this run found a patch for. Asking twice makes nothing ready a second time. */
export function askToPublish(changesets: readonly Changeset[], run: number): PublishAsked {
  const ready: Changeset[] = [];
  const again: Changeset[] = [];
  const counts = { under_way: 0, published: 0, left: 0 };
  for (const changeset of changesets) {
    const { state, desired } = changeset;
    const next =
      desired.run === run ? advance(changesetLifecycle, state, { fact: "publish-asked", desired }) : undefined;
    if (next?.status === "publishing") again.push({ ...changeset, state: next });
    if (next?.status === "ready") ready.push({ ...changeset, state: next });
    else if (state.status === "ready" || state.status === "publishing") counts.under_way += 1;
    else if (state.status === "open") counts.published += 1;
    else counts.left += 1;
  }
  return { ready, again, ...counts };
}
