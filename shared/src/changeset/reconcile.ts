import type { PullRequest } from "#shared/ports/code-host.ts";
import type { Spec } from "#shared/spec/spec.ts";
import { publishedOf, type Changeset, type ChangesetFact } from "./changeset.ts";

/** What the pull request, as the code host shows it now, says of its changeset; undefined: nothing new. */
export function factsOf(
  changeset: Changeset,
  pullRequest: PullRequest,
  drift: Spec["policies"]["drift"],
): ChangesetFact | undefined {
  const published = publishedOf(changeset.state);
  if (pullRequest.state === "merged") return { fact: "merged" };
  if (pullRequest.state === "closed") return { fact: "closed" };
  if (changeset.state.status === "closed") return { fact: "reopened" };
  if (published === undefined) return undefined;
  // We move its branch, now or soon: publishing sees whether people were there, under the policy of what is wanted.
  if (changeset.state.status === "publishing" || changeset.state.status === "ready") return undefined;
  if (pullRequest.headCommit === published.headCommit) return { fact: "restored" };
  // With these policies people's commits wait for the next version of the spec, which replaces them or leaves them.
  if (drift === "overwrite" || drift === "new-pr") return undefined;
  return {
    fact: "changed-by-people",
    because: `the branch ${published.branch} has commits that this campaign did not make`,
  };
}
