import { advance } from "#shared/lifecycle.ts";
import { executionLifecycle, type Execution } from "./execution.ts";
import type { ExecutionStore } from "./execution-store.ts";

/**
 * Notes that blobs of a result are gone, as a rule of the bucket or a restore may have it. It has expired then: what is left
 * of it is not used any more, and whoever asks for the same work has it done again. Doing it twice changes nothing more.
 *
 * @throws Conflict when somebody else wrote since the execution was read.
 */
export async function noteLostResult(
  executions: Pick<ExecutionStore, "save" | "forgetArtifacts">,
  execution: Execution,
  at: Date,
): Promise<void> {
  const because = "its patch and logs were lost: preview again";
  const state = advance(executionLifecycle, execution.state, { fact: "expired", because });
  if (state === undefined) return;
  // First, since nobody comes back for them once it has expired.
  await executions.forgetArtifacts(execution.id);
  await executions.save({ ...execution, state }, at);
}
