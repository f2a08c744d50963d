import type { Changeset } from "./changeset.ts";
import type { PublicationPlan } from "./plan-publish.ts";
import { createPublication, type Wanted } from "./publication.ts";
import { settlePublication, type PublishingNeeds } from "./settle-publication.ts";
import { assertSameDay, begin, takeTurn } from "./take-turn.ts";

/**
 * Brings what is wanted onto the code host: takes a turn unless there is a pull request already, makes the branch, the
 * pull request and what belongs to it, and writes down what came of it.
 *
 * Doing it twice finds what was done: see `createPublication` and `settlePublication`, which also say what is thrown.
 */
export async function publish(
  ready: Changeset,
  plan: PublicationPlan,
  wanted: Wanted,
  needs: PublishingNeeds & { readonly pullRequestsPerDay: number },
): Promise<{ readonly did: string }> {
  const { codeHost, gate, clock, transact, pullRequestsPerDay } = needs;
  const found = wanted.isFresh ? undefined : await codeHost.findPullRequest(ready.repository, plan.branch);
  const turn = await transact(async ({ changesets, slots }) =>
    plan.kind === "update" || found !== undefined
      ? { changeset: await begin(changesets, ready, clock.now()), day: undefined }
      : takeTurn({ changesets, slots }, ready, wanted.spec, pullRequestsPerDay, clock.now()),
  );
  return settlePublication(turn, wanted, needs, async (record) => {
    if (found !== undefined && found.state !== "open") return { pullRequest: found, notes: [] };
    const publication = createPublication(wanted, codeHost, gate, record);
    const commit = await publication.ensureBranch();
    if (turn.day !== undefined) assertSameDay(turn.day, clock.now());
    const pullRequest = await publication.ensurePullRequest(found);
    const notes = await publication.ensureDecorations(pullRequest);
    return { pullRequest: { ...pullRequest, headCommit: commit }, notes };
  });
}
