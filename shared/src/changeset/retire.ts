import type { Spec } from "#shared/spec/spec.ts";
import { Conflict } from "#shared/errors.ts";
import { advance } from "#shared/lifecycle.ts";
import { CodeHostRefused } from "#shared/ports/code-host.ts";
import { changesetLifecycle, publishedOf, type Changeset, type ChangesetFact, type Published } from "./changeset.ts";
import { factsOf } from "./reconcile.ts";
import type { PublishingNeeds } from "./settle-publication.ts";

/**
 * Closes the pull request of a changeset that nothing selects any more, and keeps its branch. What people have done to it
 * meanwhile goes before: one that they merged, closed or, as the drift policy says, took over is left as it is.
 *
 * Doing it twice finds it closed; the audit log has it once, and not at all when people had closed it. One that is selected
 * again while it is closed is wanted from another branch.
 */
export async function retire(
  closing: Changeset,
  published: Published,
  drift: Spec["policies"]["drift"],
  { codeHost, gate, clock, transact }: PublishingNeeds,
): Promise<{ readonly did: string }> {
  const { id, campaign, repository, workspace } = closing;
  const { pullRequest: number, specVersion } = published;
  let changeset = closing;

  async function save(fact: ChangesetFact): Promise<void> {
    const state = advance(changesetLifecycle, changeset.state, fact);
    if (state === undefined) return;
    await transact(({ changesets }) => changesets.saveAll([{ ...changeset, state }], clock.now()));
    changeset = { ...changeset, state, version: changeset.version + 1 };
  }

  /** The pull request is closed, whatever was written of its changeset meanwhile: that is read again. */
  async function saveRetired(): Promise<void> {
    for (;;) {
      try {
        return await save({ fact: "retired" });
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
        changeset = await transact(({ changesets }) => changesets.get(id));
        if (publishedOf(changeset.state)?.pullRequest !== number) return;
      }
    }
  }

  async function recordClosed(): Promise<void> {
    const detail = { pullRequest: number, because: reasonOf(closing), ...(workspace === "" ? {} : { workspace }) };
    const of = { campaign, repository: `${repository.owner}/${repository.name}`, specVersion };
    const dedupeKey = `${id}/${number}/closed`;
    await transact(({ audit }) =>
      audit.append([{ at: clock.now(), actor: "octobatch", action: "pull-request.closed", ...of, detail, dedupeKey }]),
    );
  }

  try {
    const seen = await codeHost.readPullRequest(repository, number);
    const fact = factsOf(changeset, seen, drift);
    if (fact?.fact === "merged" || fact?.fact === "changed-by-people") {
      await save(fact);
      return { did: `left to people: ${fact.fact}` };
    }
    const isOurs = seen.state === "open" || hasBegun(closing);
    if (seen.state === "open") {
      await save({ fact: "close-began" });
      await gate.whileActive(campaign, () => codeHost.closePullRequest(repository, number));
    }
    if (isOurs) await recordClosed();
    await saveRetired();
    return { did: `pull request ${published.url} is closed` };
  } catch (error) {
    if (!(error instanceof CodeHostRefused)) throw error;
    await save({ fact: "refused", because: error.message });
    return { did: `refused: ${error.message}` };
  }
}

function hasBegun({ state }: Changeset): boolean {
  return state.status === "closing" && state.begun === true;
}

function reasonOf({ state }: Changeset): string {
  return "because" in state ? state.because : "";
}
