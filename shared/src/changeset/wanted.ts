import type { CampaignStore } from "#shared/campaign/campaign-store.ts";
import type { ExecutionStore } from "#shared/execution/execution-store.ts";
import { decodeChanges } from "#shared/execution/changes.ts";
import { Unprocessable } from "#shared/errors.ts";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import { renderPullRequest } from "#shared/spec/render-pull-request.ts";
import { publishedOf, type Changeset } from "./changeset.ts";
import type { PublishPlan } from "./plan-publish.ts";
import type { Wanted } from "./publication.ts";

/** Gathers what a changeset wants to see on the code host: the commit from the execution, the text from the spec. */
export async function wantedOf(
  changeset: Changeset,
  plan: Exclude<PublishPlan, { kind: "leave" }>,
  stores: { readonly campaigns: CampaignStore; readonly executions: ExecutionStore; readonly blobs: BlobStore },
): Promise<Wanted> {
  const { desired, repository } = changeset;
  const {
    spec,
    number: specVersion,
    appliedAt,
  } = await stores.campaigns.specVersion(changeset.campaign, desired.specVersion);
  const execution = await stores.executions.get(desired.executionId);
  const { state } = execution;
  if (state.status !== "patch")
    throw new Unprocessable(`execution ${execution.id} has no patch: it is ${state.status}`);
  const text = renderPullRequest(spec, {
    repository: { name: `${repository.owner}/${repository.name}`, owner: repository.owner, branch: execution.branch },
    outputs: state.outputs,
  });
  return {
    changeset,
    branch: plan.branch,
    published: publishedOf(changeset.state),
    spec,
    specVersion,
    parent: execution.baseCommit,
    tree: state.tree,
    changes: decodeChanges(await stores.blobs.get(state.changesKey)),
    commitMessage: text.commitMessage,
    commitAt: appliedAt,
    title: text.title,
    body: `${text.body}\n\n${marker(changeset, specVersion)}\n`,
  };
}

/** Links a pull request to what made it; invisible to readers. */
export function marker(changeset: Changeset, specVersion: number): string {
  return `<!-- octobatch campaign=${changeset.campaign} changeset=${changeset.id} spec-version=${specVersion} -->`;
}
