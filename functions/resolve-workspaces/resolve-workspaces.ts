import { workspacesRequested } from "#eventing/workspaces.ts";
import { defineFunction } from "#shared/runtime/define-function.ts";
import { serve } from "#shared/runtime/serve.ts";
import { isDivided, planWorkspaces } from "#shared/run/plan-workspaces.ts";
import { askFor, sortOut } from "#shared/run/work.ts";
import { workspaceRuleFor } from "#shared/spec/workspaces.ts";

const overtaken = "its workspaces are not looked for any more";

/**
 * Finds the workspaces of a repository that a run has selected and that its spec divides: writes a target for each in the
 * place of the repository's, and asks for their executions.
 *
 * Safe to deliver twice: what was found is written once, in one transaction, and only while it is still looked for.
 */
export const resolveWorkspaces = defineFunction({
  name: "resolve-workspaces",
  tokenRole: "reader",
  on: workspacesRequested,
  needs: ["campaigns", "runs", "executions", "changesets", "tasks", "codeHost", "clock"],
  async handle({ campaign, run: number, key }, { campaigns, runs, changesets, codeHost, clock, transact }) {
    const target = await runs.target(campaign, number, key);
    if (!isDivided(target)) return { left: overtaken };
    const run = await runs.get(campaign, number);
    const { spec, stepsHash } = await campaigns.specVersion(campaign, run.specVersion);
    const rule = workspaceRuleFor(spec, target.repository);
    if (rule === undefined)
      throw new TypeError(`nothing divides ${target.fullName}, and its workspaces are looked for`);

    const query = { commit: target.baseCommit, name: rule.rootAtLocationOf };
    const files = await codeHost.findFiles(target.repository, query);
    const before = await changesets.ofRepository(campaign, target.repository.id);
    const plan = planWorkspaces({ run, stepsHash, target, rule, files, changesets: before });
    if (plan.kind === "fail") {
      await runs.lookupFailed(campaign, number, key, plan.because);
      return { did: `gave up: ${plan.because}` };
    }
    const at = clock.now();

    const isWritten = await transact(async ({ runs, executions, changesets, tasks }) => {
      if (!(await runs.claimLookup(target))) return false;
      const ids = plan.executions.map(({ id }) => id);
      const known = await executions.use(ids, at);
      await executions.addAll(plan.executions, at);
      await runs.divideTarget(target, plan.targets);
      await askFor(sortOut(run, plan.executions, known), { executions, changesets, tasks }, at);
      return true;
    });
    if (!isWritten) return { left: overtaken };
    return { did: `found ${plan.executions.length} workspaces` };
  },
});

if (import.meta.main) await serve(resolveWorkspaces);
