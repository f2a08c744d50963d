import { advance } from "#shared/lifecycle.ts";
import { artifactPrefix, executionLifecycle, type Execution, type ExecutionFact } from "./execution.ts";
import type { Artifact } from "./execution-store.ts";
import type { TransformResult } from "./transform-result.ts";

/**
 * How often a transform that the infrastructure let down is tried again by itself, each time it is asked for. A step that
 * fails is not tried again.
 */
const maxRetries = 2;

export type CollectPlan =
  | { readonly kind: "leave"; readonly because: string }
  | { readonly kind: "end"; readonly execution: Execution }
  | { readonly kind: "again"; readonly execution: Execution; readonly because: string };

/** Decides what a result makes of its execution. */
export function planCollect(execution: Execution, result: TransformResult): CollectPlan {
  const { outcome } = result;
  const state = advance(executionLifecycle, execution.state, factOf(result));
  if (state === undefined) return { kind: "leave", because: `it has ended: ${execution.state.status}` };
  const retries = ("retries" in execution.state ? execution.state.retries : undefined) ?? 0;
  if (outcome.status === "failed" && outcome.retryable && retries < maxRetries) {
    const pending = { status: "pending", retries: retries + 1 } as const;
    const again = { ...execution, attempt: execution.attempt + 1, state: pending };
    return { kind: "again", execution: again, because: outcome.failure.message };
  }
  return { kind: "end", execution: { ...execution, state } };
}

function factOf({ outcome }: TransformResult): ExecutionFact {
  switch (outcome.status) {
    case "no-change":
      return { fact: "left-unchanged" };
    case "patch": {
      const { filesChanged, additions, deletions } = outcome.statistics;
      return {
        fact: "patched",
        tree: outcome.tree,
        patchKey: outcome.patch.key,
        changesKey: outcome.changes.key,
        statistics: { filesChanged, additions, deletions },
      };
    }
    case "failed":
      return { fact: "failed", because: outcome.failure.message };
  }
}

/** What the transform left in the blob store. */
export function artifactsOf(execution: Execution, { outcome, steps }: TransformResult): readonly Artifact[] {
  const executionId = execution.id;
  const logs = steps.flatMap(({ logKey }) =>
    logKey === undefined ? [] : [{ key: logKey, executionId, kind: "log" as const }],
  );
  const patch =
    outcome.status === "patch"
      ? [
          { key: outcome.patch.key, executionId, kind: "patch" as const },
          { key: outcome.changes.key, executionId, kind: "changes" as const },
        ]
      : [];
  return [...logs, ...patch];
}

/** The key of the result of the present attempt. */
export function resultKey(execution: Execution): string {
  return `${artifactPrefix(execution)}/result.json`;
}
