import { changesetReady } from "#eventing/changeset.ts";
import { desiredNow } from "#shared/changeset/changeset.ts";
import { planPublish, sizeOf } from "#shared/changeset/plan-publish.ts";
import { publish } from "#shared/changeset/publish.ts";
import { retire } from "#shared/changeset/retire.ts";
import { assertRoom } from "#shared/changeset/take-turn.ts";
import { wantedOf } from "#shared/changeset/wanted.ts";
import { defineFunction } from "#shared/runtime/define-function.ts";
import { serve } from "#shared/runtime/serve.ts";

/**
 * Publishes a changeset: its commit, its branch, its pull request with all that belongs to it. One that nothing selects any
 * more has its pull request closed.
 *
 * Safe to deliver twice: a changeset that has moved on is left alone, and a crash between any two effects is healed by
 * the retry, which finds each before it makes it: the commit by its contents, the branch by its head, the pull request by
 * its branch.
 */
export const publishChangeset = defineFunction({
  name: "publish-changeset",
  tokenRole: "writer",
  on: changesetReady,
  needs: [
    "campaigns",
    "executions",
    "changesets",
    "slots",
    "tasks",
    "audit",
    "blobs",
    "codeHost",
    "gate",
    "pullRequestsPerDay",
    "publicUrl",
    "clock",
  ],
  async handle({ changesetId }, { changesets, clock, ...needs }) {
    const ready = await changesets.get(changesetId);
    const plan = planPublish(ready, await needs.campaigns.get(ready.campaign));
    if (plan.kind === "leave") return { left: plan.because };

    if (plan.kind === "close") {
      const { spec } = await needs.campaigns.specVersion(ready.campaign, plan.published.specVersion);
      return retire(ready, plan.published, spec.policies.drift, { ...needs, clock });
    }
    const { spec } = await needs.campaigns.specVersion(ready.campaign, desiredNow(ready).specVersion);
    if (plan.kind === "open") await assertRoom(needs.slots, ready, spec, needs.pullRequestsPerDay, clock.now());
    await needs.codeHost.assertRoomToPublish(ready.repository, sizeOf(plan, spec));
    const wanted = await wantedOf(ready, plan, { ...needs, clock });
    return publish(ready, plan, wanted, { ...needs, clock });
  },
});

if (import.meta.main) await serve(publishChangeset);
