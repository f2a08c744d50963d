import type { AuditLog } from "#shared/audit/audit-log.ts";
import type { NewAuditEntry } from "#shared/audit/audit-entry.ts";
import type { MutationGate } from "#shared/campaign/campaign-store.ts";
import { Conflict, Unprocessable } from "#shared/errors.ts";
import { advance } from "#shared/lifecycle.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { BranchMoved, CodeHostRefused, type CodeHost, type PullRequest } from "#shared/ports/code-host.ts";
import { changesetLifecycle, type Changeset, type ChangesetFact } from "./changeset.ts";
import type { ChangesetStore, SlotStore } from "./changeset-store.ts";
import { BranchDrifted, type Wanted } from "./publication.ts";

interface PublishingStores {
  readonly changesets: ChangesetStore;
  readonly slots: SlotStore;
  readonly audit: AuditLog;
}

/** Writes an audit entry of this changeset, in a transaction of its own. */
export type Record = (entry: Pick<NewAuditEntry, "action" | "detail" | "dedupeKey">) => Promise<void>;

/**
 * Runs the effects of publishing and writes down what came of them: the pull request, or why the code host or the
 * people who committed to the branch would not have it. What may go well later is thrown on, for the task to be tried
 * again.
 */
export async function settlePublication(
  turn: { readonly changeset: Changeset; readonly day: string | undefined },
  wanted: Wanted,
  needs: {
    readonly codeHost: CodeHost;
    readonly gate: MutationGate;
    readonly clock: Clock;
    readonly transact: <Result>(work: (stores: PublishingStores) => Promise<Result>) => Promise<Result>;
  },
  publish: (record: Record) => Promise<{ readonly pullRequest: PullRequest; readonly notes: readonly string[] }>,
): Promise<{ readonly did: string }> {
  const { changeset, day } = turn;
  const { clock, transact } = needs;

  const record: Record = async (entry) =>
    transact(({ audit }) =>
      audit.append([
        {
          ...entry,
          at: clock.now(),
          actor: "octobatch",
          campaign: changeset.campaign,
          repository: `${changeset.repository.owner}/${changeset.repository.name}`,
          specVersion: wanted.specVersion,
        },
      ]),
    );

  /** Writes the state after these facts, and settles the slot with it. */
  async function conclude(facts: readonly ChangesetFact[], slot: "used" | "given back" | "kept"): Promise<void> {
    await transact(async ({ changesets, slots }) => {
      const state = facts.reduce(
        (before, fact) => advance(changesetLifecycle, before, fact) ?? before,
        changeset.state,
      );
      await changesets.saveAll([{ ...changeset, state }], clock.now());
      if (slot === "given back") await slots.giveBack(changeset.id);
      if (slot === "used" && day !== undefined) await slots.used(changeset.id, day);
    });
  }

  try {
    const { pullRequest, notes } = await publish(record);
    await conclude(factsAfter(pullRequest, notes, wanted), "used");
    return { did: `pull request ${pullRequest.url} is ${pullRequest.state}` };
  } catch (error) {
    if (error instanceof BranchMoved) throw new Conflict(error.message, { cause: error });
    if (error instanceof BranchDrifted) return leaveToPeople(error.message);
    if (!(error instanceof CodeHostRefused) && !(error instanceof Unprocessable)) throw error;
    await conclude([{ fact: "refused", because: error.message }], "given back");
    return { did: `refused: ${error.message}` };
  }

  /** What the drift policy makes of a branch that people have committed to. */
  async function leaveToPeople(because: string): Promise<{ readonly did: string }> {
    if (wanted.spec.policies.drift !== "new-pr") {
      await conclude([{ fact: "changed-by-people", because }], "given back");
      return { did: `left to people: ${because}` };
    }
    const { published } = wanted;
    if (published !== undefined) {
      // One open pull request a repository: the people's one is closed, with its branch and commits kept.
      const { pullRequest } = published;
      await needs.gate.whileActive(changeset.campaign, () =>
        needs.codeHost.closePullRequest(changeset.repository, pullRequest),
      );
      const dedupeKey = `${changeset.id}/${pullRequest}/closed/${wanted.specVersion}`;
      await record({ action: "pull-request.closed", detail: { pullRequest, because }, dedupeKey });
    }
    await conclude([{ fact: "left-to-people", branch: wanted.branch }], "kept");
    throw new Conflict("its branch was left to people; it is published from another");
  }
}

/** The pull request that was found may have been merged or closed while we were away. */
function factsAfter(pullRequest: PullRequest, notes: readonly string[], wanted: Wanted): readonly ChangesetFact[] {
  const published = {
    pullRequest: pullRequest.number,
    url: pullRequest.url,
    branch: wanted.branch,
    headCommit: pullRequest.headCommit,
    specVersion: wanted.specVersion,
    executionId: wanted.changeset.desired.executionId,
    notes,
  };
  const opened = { fact: "published", published } as const;
  return pullRequest.state === "open" ? [opened] : [opened, { fact: pullRequest.state }];
}
