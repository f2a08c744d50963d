import { encodeChanges } from "#shared/execution/changes.ts";
import type { PatchStatistics, TransformOutcome } from "#shared/execution/transform-result.ts";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import type { FileChange } from "#shared/ports/code-host.ts";
import type { Redactor } from "./redactor.ts";
import { TransformFailed } from "./transform-failed.ts";

/** What the steps changed, as git tells it. */
export interface CollectedPatch {
  /** Of the whole repository, with the patch and without. */
  readonly tree: string;
  readonly baseTree: string;
  readonly patch: Uint8Array;
  readonly statistics: PatchStatistics;
  readonly changes: readonly FileChange[];
}

/**
 * Writes the patch and the changed files below `prefix`. Blobs are written once, so doing it twice is safe.
 * @throws TransformFailed when a secret is in it; then nothing is written.
 */
export async function keepPatch(
  collected: CollectedPatch,
  to: { readonly redactor: Redactor; readonly prefix: string; readonly blobs: Pick<BlobStore, "put"> },
): Promise<TransformOutcome> {
  const { patch, tree, baseTree, statistics, changes } = collected;
  const encoded = encodeChanges(changes);
  const contents = changes.flatMap((change) => (change.kind === "write" ? [change.content] : []));
  const secret = [patch, encoded, ...contents].map((bytes) => to.redactor.find(bytes)).find(Boolean);
  if (secret !== undefined) {
    const message = `The patch contains the secret ${secret}; it was thrown away. Change the steps so that they write no secret into the repository.`;
    throw new TransformFailed("secret-in-patch", message);
  }
  const keys = { patch: `${to.prefix}/patch.diff`, changes: `${to.prefix}/changes.json` };
  await Promise.all([to.blobs.put(keys.patch, patch), to.blobs.put(keys.changes, encoded)]);
  return {
    status: "patch",
    patch: { key: keys.patch, sizeBytes: patch.byteLength },
    changes: { key: keys.changes },
    tree,
    baseTree,
    statistics,
  };
}

export function patchTooLarge(limitBytes: number): TransformFailed {
  return new TransformFailed(
    "patch-too-large",
    `The patch is larger than ${limitBytes} bytes. Change less at once, add generated files to .gitignore, or raise the limit.`,
  );
}
