import { executionReported, executionRequested } from "#eventing/execution.ts";
import { withoutMalware } from "#shared/artifacts/quarantine.ts";
import { desireAll } from "#shared/changeset/desire.ts";
import { changedFilesOf } from "#shared/execution/changed-file.ts";
import { artifactsOf, planCollect, resultKey } from "#shared/execution/plan-collect.ts";
import { parseTransformResult } from "#shared/execution/transform-result.ts";
import { defineFunction } from "#shared/runtime/define-function.ts";
import { serve } from "#shared/runtime/serve.ts";
import { taskFor } from "#shared/task/task.ts";

/**
 * Turns what a transform left in the blob store into the execution's end, and into a changeset where there is a patch.
 *
 * What a malware scanner finds is moved out of reach first. Nothing of an execution that has ended is scanned again.
 *
 * Safe to deliver twice: an execution that has ended is left alone, and all is written in one transaction.
 */
export const collectExecution = defineFunction({
  name: "collect-execution",
  on: executionReported,
  needs: ["runs", "executions", "changedFiles", "liveLogs", "changesets", "tasks", "blobs", "scanner", "clock"],
  async handle({ executionId, attempt }, { executions, blobs, scanner, clock, transact }) {
    const execution = await executions.get(executionId);
    if (execution.attempt !== attempt) return { left: `attempt ${execution.attempt} has taken its place` };
    const reported = parseTransformResult(await blobs.get(resultKey(execution)));
    const early = planCollect(execution, reported);
    if (early.kind === "leave") return { left: early.because };
    const result = await withoutMalware(reported, { blobs, scanner });
    const plan = planCollect(execution, result);
    if (plan.kind === "leave") return { left: plan.because };

    const ended = plan.execution;
    const { outcome } = result;
    const changed =
      outcome.status === "patch" ? changedFilesOf(await blobs.get(outcome.patch.key), outcome.statistics.files) : [];
    const at = clock.now();
    const { repository, branch, campaign } = ended;
    await transact(async ({ runs, executions, changedFiles, liveLogs, changesets, tasks }) => {
      await executions.save(ended, at);
      await executions.addArtifacts(artifactsOf(ended, result), at);
      await changedFiles.addAll(executionId, changed);
      await liveLogs.forget({ executionId, attempt });
      await tasks.finishAllOf([executionRequested.type, executionReported.type], executionId, at);
      if (plan.kind === "again") {
        const dedupe = [ended.attempt];
        const where = { campaign, organization: repository.owner, notBefore: at, dedupe };
        await tasks.addAll([taskFor(executionRequested, { executionId, attempt: ended.attempt }, where)], at);
        return;
      }
      const found = await runs.runsOfExecution(executionId);
      const findings = found.map(({ number: run, specVersion }) => ({
        run,
        specVersion,
        repository,
        branch,
        execution: ended,
      }));
      await desireAll(changesets, findings, at);
    });
    const did = plan.kind === "again" ? `failed and is tried again: ${plan.because}` : ended.state.status;
    return { did, isFinished: true };
  },
});

if (import.meta.main) await serve(collectExecution);
