import type { Spec } from "#shared/spec/spec.ts";
import { advance } from "#shared/lifecycle.ts";
import { CodeHostRefused } from "#shared/ports/code-host.ts";
import { changesetLifecycle, type Changeset, type ChangesetFact, type Published } from "./changeset.ts";
import { factsOf } from "./reconcile.ts";
import type { PublishingNeeds } from "./settle-publication.ts";

/**
 * Closes the pull request of a changeset that nothing selects any more, and keeps its branch. What people have done to it
 * meanwhile goes before: one that they merged, closed or, as the drift policy says, took over is left as it is.
 *
 * Doing it twice finds it closed; the audit log has it once.
 */
export async function retire(
  changeset: Changeset,
  published: Published,
  drift: Spec["policies"]["drift"],
  { codeHost, gate, clock, transact }: PublishingNeeds,
): Promise<{ readonly did: string }> {
  const { id, campaign, repository, workspace, state } = changeset;
  const { pullRequest: number, specVersion } = published;

  async function save(fact: ChangesetFact): Promise<void> {
    const next = advance(changesetLifecycle, state, fact);
    await transact(async ({ changesets, audit }) => {
      if (next !== undefined) await changesets.saveAll([{ ...changeset, state: next }], clock.now());
      if (fact.fact !== "retired") return;
      const detail = { pullRequest: number, because: reasonOf(changeset), ...(workspace === "" ? {} : { workspace }) };
      const of = { campaign, repository: `${repository.owner}/${repository.name}`, specVersion };
      const dedupeKey = `${id}/${number}/closed`;
      await audit.append([
        { at: clock.now(), actor: "octobatch", action: "pull-request.closed", ...of, detail, dedupeKey },
      ]);
    });
  }

  try {
    const seen = await codeHost.readPullRequest(repository, number);
    const fact = factsOf(changeset, seen, drift);
    if (fact?.fact === "merged" || fact?.fact === "changed-by-people") {
      await save(fact);
      return { did: `left to people: ${fact.fact}` };
    }
    if (seen.state === "open") await gate.whileActive(campaign, () => codeHost.closePullRequest(repository, number));
    await save({ fact: "retired" });
    return { did: `pull request ${published.url} is closed` };
  } catch (error) {
    if (!(error instanceof CodeHostRefused)) throw error;
    await save({ fact: "refused", because: error.message });
    return { did: `refused: ${error.message}` };
  }
}

function reasonOf({ state }: Changeset): string {
  return "because" in state ? state.because : "";
}
