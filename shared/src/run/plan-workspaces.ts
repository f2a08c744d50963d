import type { Changeset } from "#shared/changeset/changeset.ts";
import { workspaceAt, workspaceObjection } from "#shared/execution/workspace.ts";
import { specLimits } from "#shared/spec/limits.ts";
import type { WorkspaceRule } from "#shared/spec/spec.ts";
import { workspaceDirectories } from "#shared/spec/workspaces.ts";
import { keyBeside, type RepoTarget, type Run } from "./run.ts";
import { executionFor, type NewExecution } from "./work.ts";

/** A target whose workspaces are to be found. */
type DividedTarget = RepoTarget & Required<Pick<RepoTarget, "repository" | "branch" | "baseCommit">>;

/** Whether a target stands for workspaces that are still looked for. */
export function isDivided(target: RepoTarget): target is DividedTarget {
  const { repository, branch, baseCommit, workspaceLookup } = target;
  return workspaceLookup === "pending" && repository !== undefined && branch !== undefined && baseCommit !== undefined;
}

/** What becomes of a repository that is divided. */
export type WorkspacesPlan =
  | { readonly kind: "fail"; readonly because: string }
  | {
      readonly kind: "divide";
      /** In the place of the repository's own target: at least one, and the first has its key. */
      readonly targets: readonly RepoTarget[];
      readonly executions: readonly NewExecution[];
    };

/**
 * Decides which workspaces a repository has, from the paths of the files that its rule names. What `changesets` of this
 * repository are about and is there no more, is told as well.
 */
export function planWorkspaces(input: {
  readonly run: Run;
  readonly stepsHash: string;
  readonly target: DividedTarget;
  readonly rule: WorkspaceRule;
  readonly files: readonly string[];
  readonly changesets: readonly Changeset[];
}): WorkspacesPlan {
  const { run, stepsHash, target, rule, files, changesets } = input;
  const { rootAtLocationOf: file, onlyFetchWorkspace } = rule;
  const { directories, excluded } = workspaceDirectories(rule, files);
  if (directories.length > specLimits.workspacesPerRepository) {
    const because = `${directories.length} directories have ${file}, and a repository may have ${specLimits.workspacesPerRepository} workspaces: exclude some of them in the spec`;
    return { kind: "fail", because };
  }
  const { workspaceLookup: _, ...whole } = target;
  const out = { ...whole, selected: false } as const;
  const executions: NewExecution[] = [];
  const found = directories.map((path): RepoTarget => {
    const objection = workspaceObjection(path);
    if (objection !== undefined) return { ...out, ...at(path), because: `excluded: ${objection}` };
    const execution = executionFor(run, stepsHash, { ...target, workspace: workspaceAt(path, onlyFetchWorkspace) });
    executions.push(execution);
    const because = `${target.because}; ${file} is here`;
    return { ...whole, ...at(path), selected: true, because, executionId: execution.id };
  });
  const none = { ...out, because: `excluded: ${describeNone(rule, excluded)}` };
  const told = directories.length === 0 ? [none] : found;
  const gone = changesets
    .filter(
      (changeset) => !told.some(({ workspace = "" }) => workspace === changeset.workspace) && isUnderWay(changeset),
    )
    .map(({ workspace }) => ({
      ...out,
      ...at(workspace),
      because: `excluded: ${describeGone(workspace, files, rule)}`,
    }));
  return { kind: "divide", targets: [...told, ...gone].map(withKey), executions };
}

/** The first target has the key of the whole repository, so that no page of the selection brings that back. */
function withKey(target: RepoTarget, index: number): RepoTarget {
  return index === 0 ? target : { ...target, key: keyBeside(target.key, target.workspace ?? "") };
}

function at(workspace: string): Pick<RepoTarget, "workspace"> {
  return workspace === "" ? {} : { workspace };
}

function describeGone(workspace: string, files: readonly string[], { rootAtLocationOf: file }: WorkspaceRule): string {
  const isThere = files.includes(workspace === "" ? file : `${workspace}/${file}`);
  return isThere ? "the spec excludes this workspace now" : `there is no ${file} here any more`;
}

function describeNone({ rootAtLocationOf: file }: WorkspaceRule, excluded: number): string {
  if (excluded === 0) return `no directory has ${file}`;
  return `the spec excludes every directory that has ${file}: there are ${excluded}`;
}

/** Whether there is something left that people wait for. */
function isUnderWay({ state }: Changeset): boolean {
  return !["merged", "closed", "withdrawn"].includes(state.status);
}
