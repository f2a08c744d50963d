import type { RepoTarget } from "#shared/run/run.ts";
import type { Changeset } from "./changeset.ts";

/**
 * Why a run does not select what a changeset is about, as a function of the changeset; undefined when it does. Where the
 * workspaces of a repository could not be found, nothing is known of them, and none counts as deselected.
 * @param targets All of the run.
 */
export function deselection(targets: readonly RepoTarget[]): (changeset: Changeset) => string | undefined {
  const byPlace = new Map<string, RepoTarget>();
  const unknown = new Set<number>();
  for (const target of targets) {
    const { repository, workspace = "", workspaceLookup } = target;
    if (repository === undefined) continue;
    byPlace.set(placeOf(repository, workspace), target);
    if (workspaceLookup !== undefined) unknown.add(repository.id);
  }
  return ({ repository, workspace }) => {
    if (unknown.has(repository.id)) return undefined;
    const target = byPlace.get(placeOf(repository, workspace));
    if (target?.selected === true) return undefined;
    return `no longer selected: ${target?.because ?? "no source of the spec leads to it"}`;
  };
}

function placeOf({ id }: Changeset["repository"], workspace: string): string {
  return `${id}/${workspace}`;
}
