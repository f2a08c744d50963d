import type { SelectionPage, Verdict } from "./api-client.ts";

type Cost = SelectionPage["cost"];

/** A reason that repositories share. */
export interface SharedReason {
  readonly selected: boolean;
  readonly because: string;
  readonly count: number;
  /** The first few of them, by name. */
  readonly examples: readonly string[];
}

/** What is known of a selection so far. */
export interface SelectionSum {
  /** Absent before the first page. */
  readonly campaign?: string;
  readonly selected: number;
  readonly excluded: number;
  /** Those for being out first, each side by how many repositories they are about. */
  readonly reasons: readonly SharedReason[];
  readonly cost: Cost;
  /** By name. */
  readonly repositories: readonly Verdict[];
}

/** Adds up the pages of a selection: a repository that is on several counts once, and its first verdict holds. */
export interface SelectionTally {
  add(page: SelectionPage): void;
  counts(): Pick<SelectionSum, "selected" | "excluded">;
  sum(): SelectionSum;
}

const examplesShown = 3;

export function createSelectionTally(): SelectionTally {
  const verdicts = new Map<string, Verdict>();
  let campaign: string | undefined;
  let cost: Cost = { requests: 0, graphqlRequests: 0, graphqlPoints: 0, searches: 0 };
  let selected = 0;
  const counts = () => ({ selected, excluded: verdicts.size - selected });
  return {
    add(page) {
      campaign = page.campaign;
      cost = added(cost, page.cost);
      for (const verdict of page.repositories) {
        if (verdicts.has(verdict.key)) continue;
        verdicts.set(verdict.key, verdict);
        if (verdict.selected) selected += 1;
      }
    },
    counts,
    sum() {
      const repositories = [...verdicts.values()].toSorted((one, other) => compare(one.fullName, other.fullName));
      const known = campaign === undefined ? {} : { campaign };
      return { ...known, ...counts(), reasons: reasonsOf(repositories), cost, repositories };
    },
  };
}

function reasonsOf(repositories: readonly Verdict[]): readonly SharedReason[] {
  const groups = Map.groupBy(repositories, ({ selected, because }) => `${String(selected)} ${because}`);
  return [...groups.values()]
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const examples = group.slice(0, examplesShown).map(({ fullName }) => fullName);
      return [{ selected: first.selected, because: first.because, count: group.length, examples }];
    })
    .toSorted(
      (one, other) =>
        Number(one.selected) - Number(other.selected) || other.count - one.count || compare(one.because, other.because),
    );
}

function added(one: Cost, other: Cost): Cost {
  return {
    requests: one.requests + other.requests,
    graphqlRequests: one.graphqlRequests + other.graphqlRequests,
    graphqlPoints: one.graphqlPoints + other.graphqlPoints,
    searches: one.searches + other.searches,
  };
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
