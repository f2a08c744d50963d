import { CodeHostRefused, type CodeHost, type Gatekeeper } from "#shared/ports/code-host.ts";
import { commitIdOf } from "./commit-id.ts";
import { planBranch } from "./plan-publish.ts";
import type { Record, Wanted } from "./publication.ts";

/** People have committed to the branch, and the policy leaves it to them. */
export class BranchDrifted extends Error {
  override readonly name = "BranchDrifted";
  /** What the branch would have pointed to. */
  readonly commit: string;
  constructor(message: string, commit: string) {
    super(message);
    this.commit = commit;
  }
}

interface Pushing {
  readonly wanted: Wanted;
  readonly codeHost: CodeHost;
  readonly whileActive: Gatekeeper;
  readonly record: Record;
}

/**
 * Makes the commit and points the branch at it. Done already, it finds that out.
 * @throws BranchDrifted when people have committed to the branch and the policy does not say overwrite.
 */
export async function pushBranch({ wanted, codeHost, whileActive, record }: Pushing): Promise<string> {
  const { changeset, spec, branch } = wanted;
  const { repository } = changeset;
  const { parent, commitMessage: message, commitAt: at, changes, tree, way } = wanted;
  const draft = { parent, message, author: spec.pullRequest.commit.author, at };
  const expectedCommit = commitIdOf({ ...draft, tree });

  async function makeCommit(): Promise<string> {
    const made = await codeHost.createCommit(repository, { ...draft, changes }, whileActive);
    if (made.tree === tree) return made.commit;
    throw new CodeHostRefused(
      "invalid",
      `GitHub made tree ${made.tree} of the patch, but the preview made ${tree}. Preview again before publishing.`,
    );
  }

  // Where nothing can be there, nobody looks: moving the branch finds out if there is something all the same.
  const head = wanted.isFresh ? undefined : await codeHost.branchHead(repository, branch);
  const isMade = head === expectedCommit || way.kind === "push";
  const commit = isMade ? expectedCommit : await makeCommit();
  const plan = planBranch({
    head,
    commit,
    ours: wanted.ours,
    overwrite: spec.policies.drift === "overwrite",
  });
  if (plan.kind === "drifted") {
    throw new BranchDrifted(`the branch ${branch} has commits that this campaign did not make`, commit);
  }
  if (plan.kind === "move") {
    const { from } = plan;
    if (way.kind === "api") await whileActive(() => codeHost.moveBranch(repository, { branch, from, to: commit }));
    else await codeHost.pushCommit(repository, { ...draft, changes, tree }, { branch, from }, whileActive);
  }
  const dedupeKey = `${changeset.id}/branch/${branch}/${commit}`;
  const detail = { branch, commit, ...(way.kind === "push" ? { pushed: way.because } : {}) };
  await record({ action: "branch.moved", detail, dedupeKey }, { commit });
  return commit;
}
