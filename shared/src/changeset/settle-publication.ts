import { changesetReady } from "#eventing/changeset.ts";
import type { AuditLog } from "#shared/audit/audit-log.ts";
import type { MutationGate } from "#shared/campaign/campaign-store.ts";
import { Conflict, Unprocessable } from "#shared/errors.ts";
import { advance } from "#shared/lifecycle.ts";
import { taskFor, type NewTask } from "#shared/task/task.ts";
import type { TaskStore } from "#shared/task/task-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { BranchMoved, CodeHostRefused, type CodeHost, type PullRequest } from "#shared/ports/code-host.ts";
import { changesetLifecycle, publishedOf, type Changeset, type ChangesetFact, type Published } from "./changeset.ts";
import type { ChangesetStore, SlotStore } from "./changeset-store.ts";
import type { Made, Record, Wanted } from "./publication.ts";
import { BranchDrifted } from "./push-branch.ts";

interface PublishingStores {
  readonly changesets: ChangesetStore;
  readonly slots: SlotStore;
  readonly tasks: TaskStore;
  readonly audit: AuditLog;
}

/** What publishing touches. */
export interface PublishingNeeds {
  readonly codeHost: CodeHost;
  readonly gate: MutationGate;
  readonly clock: Clock;
  readonly transact: <Result>(work: (stores: PublishingStores) => Promise<Result>) => Promise<Result>;
}

/**
 * Runs the effects of publishing and writes down what came of them: the pull request, or why the code host or the
 * people who committed to the branch would not have it. What may go well later is thrown on, for the task to be tried
 * again.
 *
 * A slot is given back only where this very turn took it and nothing was opened: one too many would exceed the cap.
 */
export async function settlePublication(
  turn: { readonly changeset: Changeset; readonly day: string | undefined },
  wanted: Wanted,
  needs: PublishingNeeds,
  publish: (record: Record) => Promise<{ readonly pullRequest: PullRequest; readonly notes: readonly string[] }>,
): Promise<{ readonly did: string }> {
  const { day } = turn;
  let { changeset } = turn;
  const { codeHost, gate, clock, transact } = needs;
  const { repository, workspace, campaign } = changeset;
  const untouched = day === undefined ? "kept" : "given back";
  let made: Made = {};

  const record: Record = async (entry, justMade = {}) => {
    made = { ...made, ...justMade };
    const { commit } = justMade;
    const pushed = commit && advanced([{ fact: "pushed", branch: wanted.branch, headCommit: commit }]);
    await transact(async ({ changesets, audit }) => {
      if (pushed) await changesets.saveAll([pushed], clock.now());
      await audit.append([
        {
          ...entry,
          detail: { ...entry.detail, ...(workspace === "" ? {} : { workspace }) },
          at: clock.now(),
          actor: "octobatch",
          campaign,
          repository: `${repository.owner}/${repository.name}`,
          specVersion: wanted.specVersion,
        },
      ]);
    });
    if (pushed) changeset = { ...pushed, version: pushed.version + 1 };
  };

  /** The changeset after these facts, if they change it. */
  function advanced(facts: readonly ChangesetFact[]): Changeset | undefined {
    const state = facts.reduce((before, fact) => advance(changesetLifecycle, before, fact) ?? before, changeset.state);
    return state === changeset.state ? undefined : { ...changeset, state };
  }

  /** Nothing selects it any more: its pull request is to be closed, and without one it is withdrawn. */
  function deselectedMeanwhile(facts: readonly ChangesetFact[]): readonly ChangesetFact[] {
    if (changeset.state.status !== "publishing" || changeset.state.closeAsked === undefined) return [];
    const { state } = advanced(facts) ?? changeset;
    const fact = publishedOf(state) === undefined ? "patch-lost" : "close-asked";
    return [{ fact, because: changeset.state.closeAsked }];
  }

  function nextOf({ id: changesetId, version }: Changeset): NewTask {
    const where = { campaign, organization: repository.owner, notBefore: clock.now(), dedupe: ["again", version] };
    return taskFor(changesetReady, { changesetId }, where);
  }

  /** Writes the state after these facts, and after what was found meanwhile, and settles the slot with it. */
  async function conclude(facts: readonly ChangesetFact[], slot: "used" | "given back" | "kept"): Promise<void> {
    const concluded = advanced([...facts, ...deselectedMeanwhile(facts)]);
    await transact(async ({ changesets, slots, tasks }) => {
      if (concluded) await changesets.saveAll([concluded], clock.now());
      // Something newer, or its end, was asked for while this was published.
      const { state } = concluded ?? changeset;
      if (concluded && (state.status === "closing" || (state.status === "ready" && state.published)))
        await tasks.addAll([nextOf(concluded)], clock.now());
      if (slot === "given back") await slots.giveBack(changeset.id);
      if (slot === "used") await slots.used(changeset.id);
    });
  }

  /** Closes the pull request that was left to people: a repository has one open pull request. Their branch stays. */
  async function closeLeftOne(): Promise<void> {
    const { state } = changeset;
    if (state.status !== "publishing" || state.leftPullRequest === undefined) return;
    const number = state.leftPullRequest;
    if ((await codeHost.readPullRequest(repository, number)).state === "open") {
      await gate.whileActive(campaign, () => codeHost.closePullRequest(repository, number));
    }
    const detail = { pullRequest: number, because: "people have taken over its branch" };
    await record({ action: "pull-request.closed", detail, dedupeKey: `${changeset.id}/${number}/closed` });
  }

  try {
    await closeLeftOne();
    const { pullRequest, notes } = await publish(record);
    const published = publishedFrom(pullRequest, pullRequest.headCommit, notes, wanted);
    const facts: readonly ChangesetFact[] = [
      { fact: "published", published },
      // The pull request that was found may have been merged or closed while we were away.
      ...(pullRequest.state === "open" ? [] : [{ fact: pullRequest.state }]),
      ...(isAskedAgain(changeset) ? [{ fact: "publish-asked", desired: changeset.desired } as const] : []),
    ];
    await conclude(facts, "used");
    return { did: `pull request ${pullRequest.url} is ${pullRequest.state}` };
  } catch (error) {
    if (error instanceof BranchMoved) throw new Conflict(error.message, { cause: error });
    if (error instanceof BranchDrifted) return leaveToPeople(error);
    if (!(error instanceof CodeHostRefused) && !(error instanceof Unprocessable)) throw error;
    const { commit, pullRequest } = made;
    const refused = { fact: "refused", because: error.message } as const;
    if (pullRequest === undefined || commit === undefined) await conclude([refused], untouched);
    else await conclude([{ ...refused, published: publishedFrom(pullRequest, commit, [], wanted) }], "used");
    return { did: `refused: ${error.message}` };
  }

  /** What the drift policy makes of a branch that people have committed to. */
  async function leaveToPeople({ message: because, commit }: BranchDrifted): Promise<{ readonly did: string }> {
    // An attempt before this one may have opened the pull request without living to write it down.
    const found = wanted.published ? undefined : await codeHost.findPullRequest(repository, wanted.branch);
    const published = found?.state === "open" ? publishedFrom(found, wanted.ours ?? commit, [], wanted) : undefined;
    const slot = published === undefined ? untouched : "used";
    const known = published === undefined ? {} : { published };
    if (wanted.spec.policies.drift !== "new-pr") {
      await conclude([{ fact: "changed-by-people", because, ...known }], slot);
      return { did: `left to people: ${because}` };
    }
    await conclude([{ fact: "left-to-people", branch: wanted.branch, ...known }], published ? "used" : "kept");
    throw new Conflict("its branch was left to people; it is published from another");
  }
}

function isAskedAgain({ state }: Changeset): boolean {
  return state.status === "publishing" && state.askedAgain === true;
}

/** @param headCommit Where we left the branch, which people may have moved since. */
function publishedFrom(
  { number, url }: PullRequest,
  headCommit: string,
  notes: readonly string[],
  { branch, specVersion, executionId }: Wanted,
): Published {
  return { pullRequest: number, url, branch, headCommit, specVersion, executionId, notes };
}
