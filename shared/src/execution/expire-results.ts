import { changesetIdFor, changesetLifecycle } from "#shared/changeset/changeset.ts";
import type { ChangesetStore } from "#shared/changeset/changeset-store.ts";
import { Conflict } from "#shared/errors.ts";
import { advance } from "#shared/lifecycle.ts";
import { executionLifecycle, type Execution } from "./execution.ts";
import type { ExecutionStore } from "./execution-store.ts";

/** How many expire in one go: the rest are older still at the next. */
const atOnce = 200;

interface Stores {
  readonly executions: ExecutionStore;
  readonly changesets: ChangesetStore;
}

/**
 * Lets results go that nobody has needed since `before`: from then on they are never used again, and whoever asks for
 * the same work has it done again. Their blobs are removed later, by `sweepBlobs`. What a changeset still wanted of one
 * is withdrawn, with the reason.
 *
 * Each is written by itself, and only when nobody wrote since it was found unneeded; so doing it twice, or while people
 * preview and publish, is safe.
 *
 * @returns How many expired.
 */
export async function expireResults(
  needs: Pick<Stores, "executions"> & {
    /** How long that is, for people. */
    readonly artifactDays: number;
    readonly transact: <Result>(work: (stores: Stores) => Promise<Result>) => Promise<Result>;
  },
  before: Date,
  at: Date,
): Promise<number> {
  const { artifactDays, executions, transact } = needs;
  const because = `its patch and logs were kept for ${artifactDays} days and have expired: preview again`;
  let expired = 0;
  for (const execution of await executions.unneededSince(before, atOnce)) {
    try {
      await transact((stores) => expire(stores, execution, because, at));
      expired += 1;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error; // somebody needs it after all
    }
  }
  return expired;
}

async function expire(stores: Stores, execution: Execution, because: string, at: Date): Promise<void> {
  const state = advance(executionLifecycle, execution.state, { fact: "expired", because });
  if (state === undefined) return;
  await stores.executions.save({ ...execution, state }, at);
  await stores.executions.forgetArtifacts(execution.id);
  const id = changesetIdFor(execution.campaign, execution.repository.id, execution.workspace.path);
  const changeset = (await stores.changesets.find([id])).get(id);
  if (changeset?.desired.executionId !== execution.id) return;
  const withdrawn = advance(changesetLifecycle, changeset.state, { fact: "patch-lost", because });
  if (withdrawn !== undefined) await stores.changesets.saveAll([{ ...changeset, state: withdrawn }], at);
}
