import { executionReported } from "#eventing/execution.ts";
import { createMemorySandbox } from "#shared/adapters/memory/memory-sandbox.ts";
import type { Stores } from "#shared/adapters/postgres/stores.ts";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { FileChange } from "#shared/ports/code-host.ts";
import type { Sandbox } from "#shared/ports/sandbox.ts";
import { taskFor } from "#shared/task/task.ts";
import { encodeTree, objectId } from "../github/git/objects.ts";

/** What every repository has that the scripted sandbox is to change. */
export const scriptedFiles: Readonly<Record<string, string>> = { "README.md": "# A repository\n" };

/** What the sandbox writes. */
const changedPath = "CHANGED";

/**
 * A sandbox for tests of what comes after a preview: it clones nothing and runs nothing. The text of the first step
 * becomes the file CHANGED, at once. It holds for repositories of `scriptedFiles`, whose trees it knows by heart.
 */
export function createScriptedSandbox(needs: {
  readonly blobs: BlobStore;
  readonly stores: Pick<Stores, "executions" | "tasks">;
  readonly clock: Clock;
}): Sandbox {
  const { blobs, stores, clock } = needs;
  const sandbox = createMemorySandbox({
    blobs,
    transform: ({ steps }) => [
      { kind: "write", path: changedPath, mode: "100644", content: Buffer.from(`${steps[0]?.run ?? ""}\n`) },
    ],
    treeOf: (_job, changes) => treeOf({ ...scriptedFiles, ...written(changes) }),
    async reported(executionId) {
      const { campaign, attempt, repository } = await stores.executions.get(executionId);
      const where = { campaign, organization: repository.owner, notBefore: clock.now(), dedupe: [attempt] };
      await stores.tasks.addAll([taskFor(executionReported, { executionId, attempt }, where)], clock.now());
    },
  });
  return {
    ...sandbox,
    async start(job) {
      await sandbox.start(job);
      await sandbox.finishAll();
    },
  };
}

function written(changes: readonly FileChange[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    changes.flatMap((change) =>
      change.kind === "write" ? [[change.path, Buffer.from(change.content).toString("utf8")]] : [],
    ),
  );
}

/** The SHA-1 of the git tree that holds these files and nothing else. */
function treeOf(files: Readonly<Record<string, string>>): string {
  const entries = Object.entries(files).map(([name, content]) => ({
    name,
    mode: "100644",
    oid: objectId("blob", Buffer.from(content)),
  }));
  return objectId("tree", encodeTree(entries));
}
