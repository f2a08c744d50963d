import { executionReported, executionRequested } from "#eventing/execution.ts";
import { artifactPrefix, executionLifecycle } from "#shared/execution/execution.ts";
import { resultKey } from "#shared/execution/plan-collect.ts";
import { serializeTransformResult } from "#shared/execution/transform-result.ts";
import { advance } from "#shared/lifecycle.ts";
import { defineFunction } from "#shared/runtime/define-function.ts";
import { serve } from "#shared/runtime/serve.ts";
import { taskFor } from "#shared/task/task.ts";
import { resultOfLoss } from "#shared/transform/progress.ts";

/** How soon somebody looks again whether a transform that has not reported is still there. */
const recheckAfterMs = 60_000;

/**
 * Starts the transform of one execution in the sandbox.
 *
 * Safe to deliver twice: the sandbox finds what it started before, and a transform that was lost in a crash is started
 * again. One that has ended without its report being heard is reported here. One that will have no result is given one
 * that says why, unless its own came after all: a result is written once.
 */
export const executeTransform = defineFunction({
  name: "execute-transform",
  tokenRole: "worker",
  on: executionRequested,
  needs: ["campaigns", "executions", "liveLogs", "tasks", "blobs", "sandbox", "sandboxLimits", "clock"],
  async handle(
    { executionId, attempt },
    { campaigns, executions, liveLogs, blobs, sandbox, sandboxLimits, clock, transact },
  ) {
    const execution = await executions.get(executionId);
    const { campaign, repository, branch, baseCommit, workspace, state } = execution;
    if (execution.attempt !== attempt) return { left: `attempt ${execution.attempt} has taken its place` };
    // A kill may have come between reading and starting, and its cancellation before the start.
    if (state.status === "cancelled") await sandbox.cancel(executionId);
    if (state.status !== "pending" && state.status !== "running") return { left: `it has ended: ${state.status}` };

    const job = { executionId, attempt, artifactPrefix: artifactPrefix(execution) };
    const found = await sandbox.inspect(job);
    const at = clock.now();
    if (found.status === "lost") {
      const { spec } = await campaigns.specVersion(campaign, execution.specVersion);
      await blobs.put(resultKey(execution), serializeTransformResult(resultOfLoss({ executionId, ...spec }, found)));
    }
    if (found.status === "finished" || found.status === "lost") {
      const report = { campaign, organization: repository.owner, notBefore: at, dedupe: [attempt] };
      await transact(({ tasks }) => tasks.addAll([taskFor(executionReported, { executionId, attempt }, report)], at));
      return { did: found.status === "lost" ? `lost: ${found.because}` : "found it finished; its result is collected" };
    }
    if (found.status === "unknown") {
      const { spec } = await campaigns.specVersion(campaign, execution.specVersion);
      const { owner, name, id: repositoryId, nodeId: repositoryNodeId } = repository;
      // Of a go that was lost; what follows the logs sees by it that they begin anew.
      await liveLogs.forget({ executionId, attempt });
      const waiting = await sandbox.start({
        ...job,
        source: { repositoryId, repositoryNodeId, owner, name, branch, commit: baseCommit },
        workspace,
        campaign: { name: spec.name, description: spec.description },
        steps: spec.steps,
        networks: spec.network?.allow ?? [],
        limits: sandboxLimits,
      });
      // It is noted as running once it begins.
      if (waiting !== undefined) return { awaiting: waiting.waitingFor, recheckAfterMs };
    }
    const waitingFor = found.status === "running" ? found.waitingFor : undefined;
    if (waitingFor !== undefined) return { awaiting: waitingFor, recheckAfterMs };
    const started = advance(executionLifecycle, state, { fact: "started" });
    if (started !== undefined) await executions.save({ ...execution, state: started }, at);
    return { awaiting: "its steps are running", recheckAfterMs };
  },
});

if (import.meta.main) await serve(executeTransform);
