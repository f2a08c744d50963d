import type { Finding } from "#shared/changeset/desire.ts";
import { executionLifecycle, type Execution } from "#shared/execution/execution.ts";
import { advance } from "#shared/lifecycle.ts";
import type { RepositoryRef, RepositorySnapshot } from "#shared/ports/code-host.ts";
import type { Spec } from "#shared/spec/spec.ts";
import { judgePage } from "./judge-page.ts";
import type { SelectionPage } from "./read-page.ts";
import { executionIdFor, type RepoTarget, type Run } from "./run.ts";

type NewExecution = Omit<Execution, "version">;

/** What a page of the selection makes of a run. */
export interface PagePlan {
  readonly targets: readonly RepoTarget[];
  /** Those of the repositories that are in; each may be known already. */
  readonly executions: readonly NewExecution[];
  /**
   * Divides the executions whose targets are new in this run: those to run for the first time, those that failed before
   * and are run again, and those whose result is there already.
   */
  readonly sortOut: (
    fresh: ReadonlySet<string | undefined>,
    known: ReadonlyMap<string, Execution>,
  ) => {
    readonly toRun: readonly NewExecution[];
    readonly toRunAgain: readonly Execution[];
    readonly ended: readonly Finding[];
  };
}

/** Decides which repositories of a page are in, and what has to be done for them. */
export function planPage(input: {
  readonly run: Run;
  readonly spec: Spec;
  readonly stepsHash: string;
  readonly page: SelectionPage;
}): PagePlan {
  const { run, spec, stepsHash, page } = input;
  const { campaign } = run;
  const targets: RepoTarget[] = [];
  const executions: NewExecution[] = [];

  for (const verdict of judgePage(spec, page)) {
    const { key, fullName, because, seen } = verdict;
    const target = {
      campaign,
      run: run.number,
      key,
      fullName,
      because,
      ...(seen === undefined ? {} : { repository: refOf(seen) }),
      ...(seen?.branch === undefined ? {} : { branch: seen.branch.name, baseCommit: seen.branch.commit }),
    };
    if (!verdict.selected) {
      targets.push({ ...target, selected: false });
      continue;
    }
    const { name: branch, commit: baseCommit } = verdict.branch;
    const repository = refOf(verdict.seen);
    const id = executionIdFor({ campaign, repository, branch, baseCommit, stepsHash });
    targets.push({ ...target, selected: true, executionId: id });
    executions.push({
      id,
      campaign,
      specVersion: run.specVersion,
      repository,
      branch,
      baseCommit,
      attempt: 1,
      state: { status: "pending" },
    });
  }
  return { targets, executions, sortOut: (fresh, known) => sortOut(run, executions, fresh, known) };
}

function sortOut(
  run: Run,
  executions: readonly NewExecution[],
  fresh: ReadonlySet<string | undefined>,
  known: ReadonlyMap<string, Execution>,
): ReturnType<PagePlan["sortOut"]> {
  const toRun: NewExecution[] = [];
  const toRunAgain: Execution[] = [];
  const ended: Finding[] = [];
  for (const wanted of executions) {
    if (!fresh.has(wanted.id)) continue;
    const execution = known.get(wanted.id);
    if (execution === undefined) {
      toRun.push(wanted);
      continue;
    }
    const again = advance(executionLifecycle, execution.state, { fact: "asked-again" });
    if (again !== undefined) toRunAgain.push({ ...execution, attempt: execution.attempt + 1, state: again });
    else if (execution.state.status === "patch" || execution.state.status === "no-change") {
      const { number, specVersion } = run;
      ended.push({ run: number, specVersion, repository: wanted.repository, branch: wanted.branch, execution });
    }
  }
  return { toRun, toRunAgain, ended };
}

function refOf({ id, nodeId, owner, name }: RepositorySnapshot): RepositoryRef {
  return { id, nodeId, owner, name };
}
