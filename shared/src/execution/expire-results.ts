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
 * Each is written by itself, and only when nobody has come to need it, and nobody writes it or its changeset meanwhile; so
 * doing it twice, or while people preview and publish, is safe.
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
      if (await transact((stores) => expire(stores, execution, because, { before, at }))) expired += 1;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error; // somebody needs it after all
    }
  }
  return expired;
}

/** @returns Whether it has expired: not when somebody has come to need it. */
async function expire(
  { changesets, executions }: Stores,
  execution: Execution,
  because: string,
  { before, at }: { readonly before: Date; readonly at: Date },
): Promise<boolean> {
  const id = changesetIdFor(execution.campaign, execution.repository.id, execution.workspace.path);
  // Read before the need is judged, so that whoever asks to publish it after that is in the way of the write below.
  const changeset = (await changesets.find([id])).get(id);
  if (!(await executions.isUnneededSince(execution.id, before))) return false;
  const state = advance(executionLifecycle, execution.state, { fact: "expired", because });
  if (state === undefined) return false;
  await executions.save({ ...execution, state }, at);
  await executions.forgetArtifacts(execution.id);
  if (changeset?.desired.executionId !== execution.id) return true;
  const withdrawn = advance(changesetLifecycle, changeset.state, { fact: "patch-lost", because });
  // Written even when it stays as it is.
  await changesets.saveAll([{ ...changeset, state: withdrawn ?? changeset.state }], at);
  return true;
}
