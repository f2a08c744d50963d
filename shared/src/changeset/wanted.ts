import type { CampaignStore } from "#shared/campaign/campaign-store.ts";
import { Unprocessable } from "#shared/errors.ts";
import { decodeChanges } from "#shared/execution/changes.ts";
import type { Execution } from "#shared/execution/execution.ts";
import type { ExecutionStore } from "#shared/execution/execution-store.ts";
import { resultKey } from "#shared/execution/plan-collect.ts";
import { parseTransformResult, type FileStatistics, type TransformResult } from "#shared/execution/transform-result.ts";
import { noteLostResult } from "#shared/execution/lost-result.ts";
import { BlobNotFound, type BlobStore } from "#shared/ports/blob-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { renderPullRequest, type PullRequestText } from "#shared/spec/pull-request-text.ts";
import type { Spec } from "#shared/spec/spec.ts";
import type { TemplateContext } from "#shared/spec/template/context.ts";
import { UnrenderableTemplate } from "#shared/spec/template/unrenderable-template.ts";
import { desiredNow, isFresh, lastHeadOf, publishedOf, type Changeset } from "./changeset.ts";
import { planCommit } from "./plan-commit.ts";
import type { PublicationPlan } from "./plan-publish.ts";
import type { Wanted } from "./publication.ts";

interface Stores {
  readonly campaigns: CampaignStore;
  readonly executions: ExecutionStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** Where people see Octobatch. */
  readonly publicUrl: string;
}

/**
 * Gathers what a changeset wants to see on the code host: the commit from the execution, the text from the spec.
 * @throws Unprocessable when the execution has no patch, its artifacts have expired, or the text cannot be rendered. When the
 *   artifacts turn out to be lost, that is noted, so that the next preview makes them again.
 */
export async function wantedOf(changeset: Changeset, plan: PublicationPlan, stores: Stores): Promise<Wanted> {
  const { repository, campaign } = changeset;
  const desired = desiredNow(changeset);
  const { spec, number, appliedAt } = await stores.campaigns.specVersion(campaign, desired.specVersion);
  const execution = await stores.executions.get(desired.executionId);
  const { state } = execution;
  if (state.status === "expired") throw new Unprocessable(state.because);
  if (state.status !== "patch")
    throw new Unprocessable(`execution ${execution.id} has no patch: it is ${state.status}`);
  const { owner, name } = repository;
  const [result, changes] = await readArtifacts(stores, execution, state.changesKey);
  const text = render(spec, {
    campaign: { name: spec.name, description: spec.description, url: `${stores.publicUrl}/campaigns/${spec.name}` },
    repository: { owner, name, branch: execution.branch },
    workspace: { path: execution.workspace.path },
    ...whatSteps(result),
  });
  const made = decodeChanges(changes);
  return {
    changeset,
    branch: plan.branch,
    published: publishedOf(changeset.state),
    isFresh: isFresh(changeset.state),
    ours: lastHeadOf(changeset.state),
    spec,
    specVersion: number,
    executionId: execution.id,
    parent: execution.baseCommit,
    tree: state.tree,
    changes: made,
    way: planCommit(made, filesOf(result.outcome)),
    commitMessage: text.commitMessage,
    commitAt: appliedAt,
    title: text.title,
    body: `${text.body}\n\n${marker(changeset, number)}`,
  };
}

function render(spec: Spec, context: TemplateContext): PullRequestText {
  try {
    return renderPullRequest(spec.pullRequest, context);
  } catch (error) {
    if (!(error instanceof UnrenderableTemplate)) throw error;
    throw new Unprocessable(`the text of the pull request cannot be rendered: ${error.message}`, { cause: error });
  }
}

async function readArtifacts(
  { blobs, clock, executions }: Stores,
  execution: Execution,
  changesKey: string,
): Promise<readonly [TransformResult, Uint8Array]> {
  try {
    return [parseTransformResult(await blobs.get(resultKey(execution))), await blobs.get(changesKey)];
  } catch (error) {
    if (!(error instanceof BlobNotFound)) throw error;
    await noteLostResult(executions, execution, clock.now());
    throw new Unprocessable("the artifacts of its preview have expired: preview again, then publish", { cause: error });
  }
}

/** What the steps changed and put out, as templates read it. */
function whatSteps({ outcome, steps }: TransformResult): Pick<TemplateContext, "steps" | "outputs"> {
  const files = filesOf(outcome);
  const paths = (...changes: readonly FileStatistics["change"][]): readonly string[] =>
    files.filter(({ change }) => changes.includes(change)).map(({ path }) => path);
  return {
    steps: {
      modified_files: paths("modified", "type-changed"),
      added_files: paths("added"),
      deleted_files: paths("deleted"),
      renamed_files: paths("renamed"),
    },
    outputs: Object.fromEntries(steps.flatMap(({ outputs }) => Object.entries(outputs))),
  };
}

function filesOf(outcome: TransformResult["outcome"]): readonly FileStatistics[] {
  return outcome.status === "patch" ? outcome.statistics.files : [];
}

/** Links a pull request to what made it; readers do not see it. */
export function marker({ campaign, id, workspace }: Changeset, specVersion: number): string {
  // A path may hold what ends a comment, and white space.
  const part = workspace === "" ? "" : ` workspace=${encodeURIComponent(workspace)}`;
  return `<!-- octobatch campaign=${campaign} changeset=${id} spec-version=${specVersion}${part} -->`;
}
