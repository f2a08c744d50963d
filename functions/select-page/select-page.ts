import { executionRequested } from "#eventing/execution.ts";
import { selectionPageRequested } from "#eventing/selection.ts";
import { readPage } from "#shared/run/read-page.ts";
import { planPage } from "#shared/run/plan-page.ts";
import { placeAfter, planSelection } from "#shared/run/selection.ts";
import { desireAll } from "#shared/changeset/desire.ts";
import { defineFunction } from "#shared/runtime/define-function.ts";
import { serve } from "#shared/runtime/serve.ts";
import { taskFor } from "#shared/task/task.ts";

/**
 * Reads one page of a run's selection: writes which repositories are in and out and why, asks for the executions of those
 * that are in, and for the next page.
 *
 * Safe to deliver twice: targets, executions and tasks are stored once under keys of their own, in one transaction.
 */
export const selectPage = defineFunction({
  name: "select-page",
  tokenRole: "reader",
  on: selectionPageRequested,
  needs: ["campaigns", "runs", "executions", "changesets", "tasks", "codeHost", "clock"],
  async handle({ campaign, run: number, part, cursor }, { campaigns, runs, executions, codeHost, clock, transact }) {
    const run = await runs.get(campaign, number);
    if (run.selectedAt !== undefined) return { left: "its selection is complete" };
    const { spec, stepsHash } = await campaigns.specVersion(campaign, run.specVersion);
    const parts = planSelection(spec);
    const selectionPart = parts[part];
    if (selectionPart === undefined) return { left: `the selection has no part ${part}` };

    const page = await readPage(codeHost, spec, selectionPart, cursor);
    const plan = planPage({ run, spec, stepsHash, page });
    const known = await executions.find(plan.executions.map(({ id }) => id));
    const at = clock.now();

    await transact(async ({ runs, executions, changesets, tasks }) => {
      await executions.addAll(plan.executions, at);
      const fresh = new Set((await runs.addTargets(plan.targets)).map(({ executionId }) => executionId));
      const { toRun, toRunAgain, ended } = plan.sortOut(fresh, known);
      for (const execution of toRunAgain) await executions.save(execution, at);
      await desireAll(changesets, ended, at);
      await tasks.addAll(
        [...toRun, ...toRunAgain].map(({ id, attempt, repository }) =>
          taskFor(
            executionRequested,
            { executionId: id, attempt },
            { campaign, organization: repository.owner, notBefore: at, dedupe: [attempt] },
          ),
        ),
        at,
      );
      const next = placeAfter(parts, part, page);
      if (next === undefined) await runs.selectionCompleted(campaign, number, at);
      else {
        const { place, organization } = next;
        const dedupe = [number, place.part, place.cursor ?? ""];
        const data = { campaign, run: number, ...place };
        await tasks.addAll(
          [taskFor(selectionPageRequested, data, { campaign, organization, notBefore: at, dedupe })],
          at,
        );
      }
    });
    return { did: `looked at ${plan.targets.length} repositories, ${plan.executions.length} of them in` };
  },
});

if (import.meta.main) await serve(selectPage);
