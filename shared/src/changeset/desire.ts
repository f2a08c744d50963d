import { advance } from "#shared/lifecycle.ts";
import type { Execution } from "#shared/execution/execution.ts";
import type { RepositoryRef } from "#shared/ports/code-host.ts";
import { changesetIdFor, changesetLifecycle, type Changeset, type Desired } from "./changeset.ts";
import type { ChangesetStore } from "./changeset-store.ts";

/** A repository whose execution has ended, in the run that wants its result. */
export interface Finding {
  readonly run: number;
  readonly specVersion: number;
  readonly repository: RepositoryRef;
  readonly branch: string;
  readonly execution: Execution;
}

type NewChangeset = Omit<Changeset, "version">;

/**
 * What becomes of a changeset when its repository's execution has ended: undefined when it stays as it is. A finding of
 * an earlier run than the one that is wanted already is late, and changes nothing.
 */
export function desire(known: Changeset | undefined, finding: Finding): Changeset | NewChangeset | undefined {
  const { repository, branch, execution } = finding;
  const desired: Desired = { run: finding.run, specVersion: finding.specVersion, executionId: execution.id };
  if (known === undefined) {
    if (execution.state.status !== "patch") return undefined;
    const { path: workspace } = execution.workspace;
    const id = changesetIdFor(execution.campaign, repository.id, workspace);
    return {
      id,
      campaign: execution.campaign,
      repository,
      workspace,
      baseBranch: branch,
      desired,
      state: { status: "unpublished" },
    };
  }
  if (known.desired.run > desired.run) return undefined;
  if (execution.state.status === "patch") {
    const state = advance(changesetLifecycle, known.state, { fact: "patch-found", desired }) ?? known.state;
    return { ...known, repository, baseBranch: branch, desired, state };
  }
  const because =
    execution.state.status === "no-change"
      ? `spec version ${desired.specVersion} changes nothing here any more`
      : `the preview of spec version ${desired.specVersion} gave no patch: it is ${execution.state.status}`;
  const withdrawn = advance(changesetLifecycle, known.state, { fact: "patch-lost", because });
  // The run is noted, so that what an earlier one found and is late with does not bring it back.
  if (withdrawn) return { ...known, repository, desired: { ...known.desired, run: desired.run }, state: withdrawn };
  // It keeps its pull request, and this run wants nothing more of it.
  const kept = advance(changesetLifecycle, known.state, { fact: "still-selected" });
  return kept && { ...known, repository, state: kept };
}

/** Writes what the findings make of their changesets. Doing it twice changes nothing more. */
export async function desireAll(changesets: ChangesetStore, findings: readonly Finding[], at: Date): Promise<void> {
  const ids = findings.map(({ execution: { campaign, workspace }, repository }) =>
    changesetIdFor(campaign, repository.id, workspace.path),
  );
  const known = await changesets.find(ids);
  const wanted = findings.flatMap((finding, index) => desire(known.get(ids[index] ?? ""), finding) ?? []);
  const isKnown = (changeset: Changeset | NewChangeset): changeset is Changeset => "version" in changeset;
  const added = wanted.filter((changeset) => !isKnown(changeset));
  const changed = wanted.filter(isKnown);
  if (added.length > 0) await changesets.addAll(added, at);
  if (changed.length > 0) await changesets.saveAll(changed, at);
}
