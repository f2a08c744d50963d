import type { BlobStore, StoredBlob } from "#shared/ports/blob-store.ts";
import type { RoundStore } from "#shared/task/round-store.ts";
import { placeOfArtifact } from "./execution.ts";
import type { ExecutionStore, LastUse } from "./execution-store.ts";

/** How many blobs are looked at in one go; the next sweep goes on after them, and begins again at the end. */
const atOnce = 2000;
const removedAtOnce = 8;

const cachedStep = /^cache\/[0-9a-f]{2}\/[0-9a-f]{64}$/;
const quarantine = "quarantine/";

/**
 * True for what is ours and no execution's: results of steps, which are made again when they are not there, and what a
 * malware scan has moved out of reach. It goes when it is old. Others who share the bucket may have folders of these names.
 */
function goesByAgeAlone(key: string): boolean {
  if (key.startsWith(quarantine)) return placeOfArtifact(key.slice(quarantine.length)) !== undefined;
  return cachedStep.test(key);
}

/**
 * Why a blob may go, or undefined when it stays. What belongs to nobody may have been put a moment ago by somebody who
 * has not written it down yet, so it has to be old; what is not named as ours is left alone.
 */
export function reasonToRemove(
  { key, storedAt }: StoredBlob,
  use: LastUse | undefined,
  before: Date,
): string | undefined {
  const isOld = storedAt < before;
  const place = placeOfArtifact(key);
  if (place === undefined) {
    return isOld && goesByAgeAlone(key) ? "it is old, and no execution's" : undefined;
  }
  if (use === undefined) return isOld ? "its execution is not known" : undefined;
  if (place.attempt !== use.attempt) return isOld ? "another attempt has taken its place" : undefined;
  switch (use.status) {
    case "expired":
      return "its execution has expired";
    case "failed":
    case "cancelled":
      return isOld && use.at < before ? `its execution is ${use.status}, and has not been asked for again` : undefined;
    case "pending":
    case "running":
    case "no-change":
    case "patch":
      return undefined;
  }
}

/**
 * Looks at the next part of the blob store and removes what is of no use to anybody: what expired executions left, what
 * was left by failed ones, by earlier attempts and by those who crashed before they had written it down, and what is in
 * the step cache or the quarantine for long.
 *
 * A crash in the middle costs nothing: what was not removed is looked at again.
 *
 * @param round The name under which it is noted how far it has come.
 * @param before What was put or used since is not old.
 * @returns How many blobs were looked at, and how many of them removed.
 * @throws What the store threw for one that could not be removed; all others were tried.
 */
export async function sweepBlobs(
  needs: {
    readonly blobs: BlobStore;
    readonly executions: ExecutionStore;
    readonly rounds: RoundStore;
  },
  round: string,
  before: Date,
): Promise<{ readonly seen: number; readonly removed: number }> {
  const { blobs, executions, rounds } = needs;
  const page = await blobs.scan({ after: await rounds.place(round), limit: atOnce });
  const ids = page.flatMap(({ key }) => placeOfArtifact(key)?.executionId ?? []);
  const uses = await executions.lastUses([...new Set(ids)]);
  const removable = page.filter((blob) => {
    const executionId = placeOfArtifact(blob.key)?.executionId ?? "";
    return reasonToRemove(blob, uses.get(executionId), before) !== undefined;
  });
  // First, since a blob that is still there is found again, and a row is not.
  await executions.forgetBlobs(removable.map(({ key }) => key));
  const failures: unknown[] = [];
  const left = removable.values();
  // Several at once, each taking the next that nobody has taken.
  const remove = async (): Promise<void> => {
    for (const { key } of left) await blobs.remove(key).catch((error: unknown) => failures.push(error));
  };
  await Promise.all(Array.from({ length: removedAtOnce }, remove));
  // One that cannot be removed holds up none of the others.
  await rounds.goOn(round, page.length < atOnce ? undefined : page.at(-1)?.key);
  if (failures.length > 0) throw failures[0];
  return { seen: page.length, removed: removable.length };
}
