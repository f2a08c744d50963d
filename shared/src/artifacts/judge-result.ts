import { artifactPrefix, type Execution } from "#shared/execution/execution.ts";
import { parseTransformResult, type TransformResult } from "#shared/execution/transform-result.ts";
import { artifactKindOf, type ArtifactKind } from "./artifact-name.ts";

export type ResultJudgement =
  { readonly kind: "accept"; readonly result: TransformResult } | { readonly kind: "refuse"; readonly because: string };

/**
 * Whether the bytes are a result of this execution: what it names was handed in by this attempt, and nothing else can be
 * named, such as what belongs to another execution.
 *
 * @param kept The keys of what the attempt has handed in so far.
 */
export function judgeResult(bytes: Uint8Array, execution: Execution, kept: readonly string[]): ResultJudgement {
  let result: TransformResult;
  try {
    result = parseTransformResult(bytes);
  } catch (error) {
    return { kind: "refuse", because: `it is no result: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (result.executionId !== execution.id) return { kind: "refuse", because: "it is of another execution" };
  const prefix = `${artifactPrefix(execution)}/`;
  const known = new Set(kept);
  for (const { kind, key } of namedBy(result)) {
    if (!key.startsWith(prefix) || artifactKindOf(key.slice(prefix.length)) !== kind) {
      return { kind: "refuse", because: `it names ${JSON.stringify(key)}, which is no ${kind} of this attempt` };
    }
    if (!known.has(key)) return { kind: "refuse", because: `it names ${key}, which was not handed in before it` };
  }
  return { kind: "accept", result };
}

/** Every key in a result. */
function namedBy({ outcome, steps }: TransformResult): readonly { kind: ArtifactKind; key: string }[] {
  return [
    ...steps.flatMap(({ logKey }) => (logKey === undefined ? [] : [{ kind: "log" as const, key: logKey }])),
    ...(outcome.status === "patch"
      ? [
          { kind: "patch" as const, key: outcome.patch.key },
          { kind: "changes" as const, key: outcome.changes.key },
        ]
      : []),
  ];
}
