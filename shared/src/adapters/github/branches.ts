import { CodeHostRefused, type CodeHost } from "../../ports/code-host.ts";
import { purposeIn, type GitHubClient } from "./client.ts";
import type { WorkflowCommits } from "./workflow-commits.ts";

/** As `beforeOid` it means "must not exist". */
const zeroOid = "0".repeat(40);

/**
 * A compare-and-swap, which REST lacks. Forcing is safe with `beforeOid`: it allows the new commit to stand beside the
 * old one, and still overwrites nothing but the commit we named.
 */
export const moveBranchMutation = `mutation MoveBranch($repositoryId: ID!, $name: GitRefname!, $from: GitObjectID!, $to: GitObjectID!, $force: Boolean!) {
  updateRefs(input: {repositoryId: $repositoryId, refUpdates: [{name: $name, beforeOid: $from, afterOid: $to, force: $force}]}) {
    clientMutationId
  }
}`;

export function branches(
  client: GitHubClient,
  workflowCommits: WorkflowCommits,
): Pick<CodeHost, "branchHead" | "moveBranch"> {
  return {
    async branchHead(repository, branch) {
      try {
        const { data } = await client.read(purposeIn(repository, `read the branch ${branch} of`), ({ request }) =>
          request("GET /repos/{owner}/{repo}/git/ref/{ref}", {
            owner: repository.owner,
            repo: repository.name,
            ref: `heads/${branch}`,
          }),
        );
        // Older servers answer a missing branch with those that begin like it.
        return data.ref === `refs/heads/${branch}` ? data.object.sha : undefined;
      } catch (error) {
        if (error instanceof CodeHostRefused && error.kind === "not-found") return undefined;
        throw error;
      }
    },

    /** Named by the repository's node id: a renamed repository is found, and one that took its name is not touched. */
    async moveBranch(repository, { branch, from, to }) {
      const writesWorkflows = workflowCommits.has(to);
      await client.write({ ...purposeIn(repository, `move the branch ${branch} of`), writesWorkflows }, ({ graphql }) =>
        graphql(moveBranchMutation, {
          repositoryId: repository.nodeId,
          name: `refs/heads/${branch}`,
          from: from ?? zeroOid,
          to,
          force: from !== undefined,
        }),
      );
    },
  };
}
