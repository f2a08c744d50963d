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
  const { parent, commitMessage: message, commitAt: at } = wanted;
  const draft = { parent, message, author: spec.pullRequest.commit.author, at };
  const expectedCommit = commitIdOf({ ...draft, tree: wanted.tree });

  async function makeCommit(): Promise<string> {
    const { commit, tree } = await codeHost.createCommit(
      repository,
      { ...draft, changes: wanted.changes },
      whileActive,
    );
    if (tree === wanted.tree) return commit;
    throw new CodeHostRefused(
      "invalid",
      `GitHub made tree ${tree} of the patch, but the preview made ${wanted.tree}. Preview again before publishing.`,
    );
  }

  // Where nothing can be there, nobody looks: moving the branch finds out if there is something all the same.
  const head = wanted.isFresh ? undefined : await codeHost.branchHead(repository, branch);
  const commit = head === expectedCommit ? head : await makeCommit();
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
    await whileActive(() => codeHost.moveBranch(repository, { branch, from: plan.from, to: commit }));
  }
  const dedupeKey = `${changeset.id}/branch/${branch}/${commit}`;
  await record({ action: "branch.moved", detail: { branch, commit }, dedupeKey }, { commit });
  return commit;
}
