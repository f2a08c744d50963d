import type { RepoTarget } from "#shared/run/run.ts";
import type { Changeset } from "./changeset.ts";

/** What a run says of what a changeset is about. */
export type SelectionVerdict =
  | { readonly kind: "selected" }
  /** The run looked at its repository, and it is out. */
  | { readonly kind: "deselected"; readonly because: string }
  /** The run did not come across its repository, which proves nothing: it may not be seen, or not be in a search index. */
  | { readonly kind: "not-seen" };

export const notSeenBecause = "the newest preview did not come across it";

/**
 * What a run says of each changeset. Where the workspaces of a repository could not be found, nothing is known of them, and
 * none counts as deselected.
 * @param targets All of the run.
 */
export function deselection(targets: readonly RepoTarget[]): (changeset: Changeset) => SelectionVerdict {
  const byPlace = new Map<string, RepoTarget>();
  const seen = new Set<number>();
  const unknown = new Set<number>();
  for (const target of targets) {
    const { repository, workspace = "", workspaceLookup } = target;
    // One that was named and could not be seen has no repository.
    if (repository === undefined) continue;
    byPlace.set(placeOf(repository, workspace), target);
    seen.add(repository.id);
    if (workspaceLookup !== undefined) unknown.add(repository.id);
  }
  return ({ repository, workspace }) => {
    if (!seen.has(repository.id)) return { kind: "not-seen" };
    if (unknown.has(repository.id)) return { kind: "selected" };
    const whole = byPlace.get(placeOf(repository, ""));
    const target = byPlace.get(placeOf(repository, workspace)) ?? (whole?.selected === false ? whole : undefined);
    if (target?.selected === true) return { kind: "selected" };
    const because = target?.because ?? "its repository has no such workspace any more";
    return { kind: "deselected", because: `no longer selected: ${because}` };
  };
}

function placeOf({ id }: Changeset["repository"], workspace: string): string {
  return `${id}/${workspace}`;
}
