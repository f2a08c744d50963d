/**
 * The commits of this process that change files under `.github/workflows`. Pointing a branch at one takes a permission
 * that not every installation grants, and its SHA alone does not tell.
 */
export interface WorkflowCommits {
  add(commit: string): void;
  has(commit: string): boolean;
}

/** A branch is moved right after its commit was made, and one that was not remembered is made again before. */
const mostRemembered = 1000;

export function createWorkflowCommits(): WorkflowCommits {
  const commits = new Set<string>();
  return {
    add(commit) {
      commits.add(commit);
      if (commits.size <= mostRemembered) return;
      // A Set lists what was added first, first.
      for (const oldest of commits) {
        commits.delete(oldest);
        return;
      }
    },
    has: (commit) => commits.has(commit),
  };
}
