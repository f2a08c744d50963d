import { diffFiles, diffStatistics, type DiffStatistics, type FileDiff } from "../git/diff.ts";
import { commitsBetween, mergeBase } from "../git/history.ts";
import type { PullRequest } from "../state/pull-request.ts";
import type { Repository } from "../state/repository.ts";

export interface Comparison {
  readonly mergeBase: string;
  /** Oldest first. */
  readonly commits: readonly string[];
}

export type Statistics = DiffStatistics & { readonly commits: number };

/** Two commits never change, so what was computed for a pair of them is kept. */
class PairCache<T> {
  readonly #byRepository = new WeakMap<Repository, Map<string, Promise<T>>>();

  get(repository: Repository, key: string, compute: () => Promise<T>): Promise<T> {
    const known = this.#byRepository.get(repository) ?? new Map<string, Promise<T>>();
    this.#byRepository.set(repository, known);
    const found = known.get(key);
    if (found !== undefined) return found;
    if (known.size > 500) known.clear();
    const computed = compute();
    known.set(key, computed);
    computed.catch(() => known.delete(key));
    return computed;
  }
}

const comparisons = new PairCache<Comparison | undefined>();
const statistics = new PairCache<Statistics>();

/** What `head` has over `base`; undefined when they have no history in common. */
export function compare(repository: Repository, base: string, head: string): Promise<Comparison | undefined> {
  return comparisons.get(repository, `${base}...${head}`, async () => {
    const common = await mergeBase(repository.git, base, head);
    if (common === undefined) return undefined;
    return { mergeBase: common, commits: await commitsBetween(repository.git, base, head) };
  });
}

export function statisticsOf(repository: Repository, pullRequest: PullRequest): Promise<Statistics> {
  const { baseOid, headOid } = pullRequest;
  return statistics.get(repository, `${baseOid}...${headOid}`, async () => {
    const comparison = await compare(repository, baseOid, headOid);
    if (comparison === undefined) return { commits: 0, additions: 0, deletions: 0, changedFiles: 0 };
    const sizes = await diffStatistics(repository.git, comparison.mergeBase, headOid);
    return { ...sizes, commits: comparison.commits.length };
  });
}

/** The files a pull request changes, against the point where it left its base. */
export async function filesOf(repository: Repository, pullRequest: PullRequest): Promise<readonly FileDiff[]> {
  const comparison = await compare(repository, pullRequest.baseOid, pullRequest.headOid);
  return comparison === undefined ? [] : diffFiles(repository.git, comparison.mergeBase, pullRequest.headOid);
}

/** The commits of a pull request, oldest first. */
export async function commitsOf(repository: Repository, pullRequest: PullRequest): Promise<readonly string[]> {
  return (await compare(repository, pullRequest.baseOid, pullRequest.headOid))?.commits ?? [];
}
