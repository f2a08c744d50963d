import type { GitRepository } from "./git-repository.ts";
import { git, GitFailed, runGit } from "./run-git.ts";

/** The best common ancestor, or undefined when the histories have nothing in common. */
export async function mergeBase(repository: GitRepository, left: string, right: string): Promise<string | undefined> {
  if (left === right) return left;
  // The usual campaign branch is one commit on its base: seen without starting a process.
  if ((await repository.commit(right))?.parents[0] === left) return left;
  const outcome = await runGit(["merge-base", left, right], { directory: repository.directory });
  return outcome.status === 0 ? outcome.stdout.toString("utf8").trim() : undefined;
}

export async function isAncestor(repository: GitRepository, ancestor: string, descendant: string): Promise<boolean> {
  if (ancestor === descendant) return true;
  if ((await repository.commit(descendant))?.parents.includes(ancestor) === true) return true;
  const outcome = await runGit(["merge-base", "--is-ancestor", ancestor, descendant], {
    directory: repository.directory,
  });
  return outcome.status === 0;
}

/** The commits that `head` has and `base` has not, oldest first. */
export async function commitsBetween(
  repository: GitRepository,
  base: string,
  head: string,
): Promise<readonly string[]> {
  if (base === head) return [];
  const commit = await repository.commit(head);
  if (commit?.parents.length === 1 && commit.parents[0] === base) return [head];
  const output = await git(["rev-list", "--reverse", "--topo-order", `${base}..${head}`], {
    directory: repository.directory,
  });
  return output.split("\n").filter((line) => line !== "");
}

export interface Merge {
  /** Absent when the two sides conflict. */
  readonly tree?: string;
}

/** Merges two commits without a working tree. Needs git 2.38 unless one side contains the other. */
export async function mergeTrees(repository: GitRepository, base: string, head: string): Promise<Merge> {
  const common = await mergeBase(repository, base, head);
  const [baseCommit, headCommit] = await Promise.all([repository.commit(base), repository.commit(head)]);
  if (common === base && headCommit !== undefined) return { tree: headCommit.tree };
  if (common === head && baseCommit !== undefined) return { tree: baseCommit.tree };
  const outcome = await runGit(["merge-tree", "--write-tree", base, head], { directory: repository.directory });
  if (outcome.status === 0) return { tree: outcome.stdout.toString("utf8").split("\n")[0] ?? "" };
  if (outcome.status === 1) return {};
  throw new GitFailed(`git merge-tree --write-tree failed (it needs git 2.38 or newer): ${outcome.stderr.trim()}`);
}
