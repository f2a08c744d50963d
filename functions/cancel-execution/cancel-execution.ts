import { executionCancelled } from "#eventing/execution.ts";
import { defineFunction } from "#shared/runtime/define-function.ts";
import { serve } from "#shared/runtime/serve.ts";

/**
 * Ends the transform of an execution that is no longer wanted.
 *
 * Safe to deliver twice: cancelling what does not run changes nothing, and an execution that was asked for again since is
 * left alone.
 */
export const cancelExecution = defineFunction({
  name: "cancel-execution",
  tokenRole: "worker",
  on: executionCancelled,
  needs: ["executions", "sandbox"],
  async handle({ executionId, attempt }, { executions, sandbox }) {
    const execution = await executions.get(executionId);
    if (execution.attempt !== attempt || execution.state.status !== "cancelled") {
      return { left: "it was asked for again" };
    }
    await sandbox.cancel(executionId);
    return { did: "its transform is ended" };
  },
});

if (import.meta.main) await serve(cancelExecution);
