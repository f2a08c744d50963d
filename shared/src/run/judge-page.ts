import type { RepositorySnapshot } from "#shared/ports/code-host.ts";
import { matchRepository } from "#shared/spec/match-repository.ts";
import type { Spec, WorkspaceRule } from "#shared/spec/spec.ts";
import { workspaceRuleFor } from "#shared/spec/workspaces.ts";
import type { SelectionPage } from "./read-page.ts";
import { missingTargetKey, targetKey } from "./run.ts";

/** Whether a repository that a selection came across is in, and why. */
export type Verdict = {
  /** The same for the same repository wherever in the selection it appears; the first verdict of a key holds. */
  readonly key: string;
  readonly fullName: string;
  readonly because: string;
} & (
  | {
      readonly selected: true;
      readonly seen: RepositorySnapshot;
      readonly branch: NonNullable<RepositorySnapshot["branch"]>;
      /** Absent when it is not divided into workspaces. */
      readonly dividedBy?: WorkspaceRule;
    }
  | {
      readonly selected: false;
      /** Absent when it could not be seen. */
      readonly seen?: RepositorySnapshot;
    }
);

const notConfirmed = "the code search named it, but none of the files that it found is on the default branch now";
const notSeen = "there is no such repository, or the App has no access to it";

/** Judges each repository of a page once: those that are there, those that no search confirmed, those not seen. */
export function judgePage(spec: Spec, page: SelectionPage): readonly Verdict[] {
  const verdicts: readonly Verdict[] = [
    ...page.repositories.map((seen) => {
      const { selected, because } = matchRepository(spec.filters, seen);
      const { branch } = seen;
      const judged = { ...identityOf(seen), because, seen };
      if (!selected || branch === undefined) return { ...judged, selected: false as const };
      const dividedBy = workspaceRuleFor(spec, seen);
      return { ...judged, selected, branch, ...(dividedBy === undefined ? {} : { dividedBy }) };
    }),
    ...page.unconfirmed.map((seen) => ({
      ...identityOf(seen),
      because: notConfirmed,
      seen,
      selected: false as const,
    })),
    ...page.missing.map((fullName) => ({
      key: missingTargetKey(fullName),
      fullName,
      because: notSeen,
      selected: false as const,
    })),
  ];
  const keys = new Set<string>();
  return verdicts.filter(({ key }) => {
    const isFirst = !keys.has(key);
    keys.add(key);
    return isFirst;
  });
}

function identityOf(seen: RepositorySnapshot): Pick<Verdict, "key" | "fullName"> {
  return { key: targetKey(seen), fullName: `${seen.owner}/${seen.name}` };
}
