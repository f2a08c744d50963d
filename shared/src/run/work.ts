import { executionRequested } from "#eventing/execution.ts";
import type { ChangesetStore } from "#shared/changeset/changeset-store.ts";
import { desireAll, type Finding } from "#shared/changeset/desire.ts";
import { executionLifecycle, type Execution } from "#shared/execution/execution.ts";
import type { ExecutionStore } from "#shared/execution/execution-store.ts";
import type { Workspace } from "#shared/execution/workspace.ts";
import { advance } from "#shared/lifecycle.ts";
import type { RepositoryRef } from "#shared/ports/code-host.ts";
import type { TaskStore } from "#shared/task/task-store.ts";
import { taskFor } from "#shared/task/task.ts";
import { executionIdFor, type Run } from "./run.ts";

/** An execution that a run wants; it may be known already. */
export type NewExecution = Omit<Execution, "version">;

/** The execution of a run's steps at this place. */
export function executionFor(
  run: Run,
  stepsHash: string,
  place: {
    readonly repository: RepositoryRef;
    readonly branch: string;
    readonly baseCommit: string;
    readonly workspace: Workspace;
  },
): NewExecution {
  const { campaign, specVersion } = run;
  const { repository, branch, baseCommit, workspace } = place;
  return {
    id: executionIdFor({ campaign, stepsHash, repository, branch, baseCommit, workspace }),
    campaign,
    specVersion,
    repository,
    branch,
    baseCommit,
    workspace,
    attempt: 1,
    state: { status: "pending" },
  };
}

/** The executions that a run wants, by what has to be done for them. */
export interface Work {
  /** To be run for the first time. */
  readonly toRun: readonly NewExecution[];
  /** They failed before, and are run again. */
  readonly toRunAgain: readonly Execution[];
  /** Their result is there already. */
  readonly ended: readonly Finding[];
}

/** Divides executions whose targets are new in this run by what is known of them. */
export function sortOut(run: Run, wanted: readonly NewExecution[], known: ReadonlyMap<string, Execution>): Work {
  const toRun: NewExecution[] = [];
  const toRunAgain: Execution[] = [];
  const ended: Finding[] = [];
  for (const each of wanted) {
    const execution = known.get(each.id);
    if (execution === undefined) {
      toRun.push(each);
      continue;
    }
    const again = advance(executionLifecycle, execution.state, { fact: "asked-again" });
    if (again !== undefined) toRunAgain.push({ ...execution, attempt: execution.attempt + 1, state: again });
    else if (execution.state.status === "patch" || execution.state.status === "no-change") {
      const { number, specVersion } = run;
      ended.push({ run: number, specVersion, repository: each.repository, branch: each.branch, execution });
    }
  }
  return { toRun, toRunAgain, ended };
}

/**
 * Has the work done, in the transaction that the stores belong to; the executions are stored already. Tasks are stored
 * under keys of their own, so having it done twice has it done once.
 */
export async function askFor(
  { toRun, toRunAgain, ended }: Work,
  stores: { readonly executions: ExecutionStore; readonly changesets: ChangesetStore; readonly tasks: TaskStore },
  at: Date,
): Promise<void> {
  for (const execution of toRunAgain) await stores.executions.save(execution, at);
  await desireAll(stores.changesets, ended, at);
  await stores.tasks.addAll(
    [...toRun, ...toRunAgain].map(({ id, attempt, campaign, repository }) =>
      taskFor(
        executionRequested,
        { executionId: id, attempt },
        { campaign, organization: repository.owner, notBefore: at, dedupe: [attempt] },
      ),
    ),
    at,
  );
}
