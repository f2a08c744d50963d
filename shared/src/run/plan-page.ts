import { wholeRepository } from "#shared/execution/workspace.ts";
import type { RepositoryRef, RepositorySnapshot } from "#shared/ports/code-host.ts";
import type { Spec } from "#shared/spec/spec.ts";
import { judgePage } from "./judge-page.ts";
import type { SelectionPage } from "./read-page.ts";
import type { RepoTarget, Run } from "./run.ts";
import { executionFor, type NewExecution } from "./work.ts";

/** What a page of the selection makes of a run. */
export interface PagePlan {
  readonly targets: readonly RepoTarget[];
  /** Those of the repositories that are in and not divided; each may be known already. */
  readonly executions: readonly NewExecution[];
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
    } else if (verdict.dividedBy !== undefined) {
      targets.push({ ...target, selected: true, workspaceLookup: "pending" });
    } else {
      const { name: branch, commit: baseCommit } = verdict.branch;
      const place = { repository: refOf(verdict.seen), branch, baseCommit, workspace: wholeRepository };
      const execution = executionFor(run, stepsHash, place);
      targets.push({ ...target, selected: true, executionId: execution.id });
      executions.push(execution);
    }
  }
  return { targets, executions };
}

function refOf({ id, nodeId, owner, name }: RepositorySnapshot): RepositoryRef {
  return { id, nodeId, owner, name };
}
