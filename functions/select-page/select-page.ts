import { selectionPageRequested } from "#eventing/selection.ts";
import { workspacesRequested } from "#eventing/workspaces.ts";
import { readPage } from "#shared/run/read-page.ts";
import { planPage } from "#shared/run/plan-page.ts";
import { placeAfter, planSelection } from "#shared/run/selection.ts";
import { askFor, sortOut } from "#shared/run/work.ts";
import { defineFunction } from "#shared/runtime/define-function.ts";
import { serve } from "#shared/runtime/serve.ts";
import { taskFor } from "#shared/task/task.ts";

/**
 * Reads one page of a run's selection: writes which repositories are in and out and why, asks for the executions of those
 * that are in, for the workspaces of those that are divided, and for the next page.
 *
 * Safe to deliver twice: targets, executions and tasks are stored once under keys of their own, in one transaction.
 */
export const selectPage = defineFunction({
  name: "select-page",
  tokenRole: "reader",
  on: selectionPageRequested,
  needs: ["campaigns", "runs", "executions", "changesets", "tasks", "codeHost", "clock"],
  async handle({ campaign, run: number, part, cursor }, { campaigns, runs, codeHost, clock, transact }) {
    const run = await runs.get(campaign, number);
    if (run.selectedAt !== undefined) return { left: "its selection is complete" };
    const { spec, stepsHash } = await campaigns.specVersion(campaign, run.specVersion);
    const parts = planSelection(spec);
    const selectionPart = parts[part];
    if (selectionPart === undefined) return { left: `the selection has no part ${part}` };

    const page = await readPage(codeHost, spec, selectionPart, cursor);
    const plan = planPage({ run, spec, stepsHash, page });
    const at = clock.now();

    await transact(async ({ runs, executions, changesets, tasks }) => {
      const ids = plan.executions.map(({ id }) => id);
      const known = await executions.use(ids, at);
      await executions.addAll(plan.executions, at);
      const targets = await runs.addTargets(plan.targets);
      const fresh = new Set(targets.map(({ executionId }) => executionId));
      const wanted = plan.executions.filter(({ id }) => fresh.has(id));
      await askFor(sortOut(run, wanted, known), { executions, changesets, tasks }, at);
      const divided = targets.filter(({ workspaceLookup }) => workspaceLookup === "pending");
      await tasks.addAll(
        divided.map(({ key, repository }) => {
          const organization = repository?.owner ?? selectionPart.organization;
          const where = { campaign, organization, notBefore: at, dedupe: [] };
          return taskFor(workspacesRequested, { campaign, run: number, key }, where);
        }),
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
    const selected = plan.targets.filter((target) => target.selected);
    return { did: `looked at ${plan.targets.length} repositories, ${selected.length} of them in` };
  },
});

if (import.meta.main) await serve(selectPage);
