import { changesetNudged } from "#eventing/changeset.ts";
import { changesetLifecycle, publishedOf } from "#shared/changeset/changeset.ts";
import { factsOf } from "#shared/changeset/reconcile.ts";
import { advance } from "#shared/lifecycle.ts";
import { CodeHostRefused } from "#shared/ports/code-host.ts";
import { defineFunction } from "#shared/runtime/define-function.ts";
import { serve } from "#shared/runtime/serve.ts";

/**
 * Compares a changeset with its pull request as GitHub shows it now, and writes down what people did to it.
 *
 * Safe to deliver twice, late and out of order: an event only says that there may be something to see.
 */
export const reconcileChangeset = defineFunction({
  name: "reconcile-changeset",
  tokenRole: "reader",
  on: changesetNudged,
  needs: ["campaigns", "changesets", "codeHost", "clock"],
  async handle({ changesetId }, { campaigns, changesets, codeHost, clock, transact }) {
    const changeset = await changesets.get(changesetId);
    const published = publishedOf(changeset.state);
    if (published === undefined) return { left: "it has no pull request" };

    const { spec } = await campaigns.specVersion(changeset.campaign, published.specVersion);
    const { repository } = changeset;
    const pullRequest = await codeHost
      .withUrgency("sweep")
      .readPullRequest(repository, published.pullRequest)
      .catch(whenRefused);
    if (pullRequest instanceof CodeHostRefused) {
      // It was looked at all the same: what we may not see must not stand first in every sweep.
      await changesets.checked(changesetId, clock.now());
      return { left: `its pull request cannot be seen: ${pullRequest.message}` };
    }
    const fact = factsOf(changeset, pullRequest, spec.policies.drift);
    const state = fact && advance(changesetLifecycle, changeset.state, fact);

    await transact(async ({ changesets }) => {
      if (state !== undefined) await changesets.saveAll([{ ...changeset, state }], clock.now());
      await changesets.checked(changeset.id, clock.now());
    });
    return state === undefined ? { left: `nothing new: it is ${changeset.state.status}` } : { did: state.status };
  },
});

function whenRefused(error: unknown): CodeHostRefused {
  if (error instanceof CodeHostRefused) return error;
  throw error;
}

if (import.meta.main) await serve(reconcileChangeset);
