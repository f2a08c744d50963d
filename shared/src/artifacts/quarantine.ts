import { decodeChanges } from "#shared/execution/changes.ts";
import type { TransformResult } from "#shared/execution/transform-result.ts";
import type { ArtifactScanner } from "#shared/ports/artifact-scanner.ts";
import { BlobNotFound, type BlobStore } from "#shared/ports/blob-store.ts";

/** Where what was found to be harmful is kept for the operator; no function hands it out. */
function quarantined(key: string): string {
  return `quarantine/${key}`;
}

type Patched = Extract<TransformResult["outcome"], { status: "patch" }>;

/**
 * The result as it may be believed: when something is found in its patch, or in a file that it writes, patch and changes are
 * moved to the quarantine, and the result is a failure that says so.
 *
 * Safe to repeat: what was found is written down before anything is moved, so that a repetition after a crash moves the rest,
 * and comes to the same end. Two at once do the same.
 *
 * @throws ScannerUnavailable while there is no verdict: nothing passes without one.
 */
export async function withoutMalware(
  result: TransformResult,
  { blobs, scanner }: { readonly blobs: BlobStore; readonly scanner: ArtifactScanner | undefined },
): Promise<TransformResult> {
  const { outcome } = result;
  if (outcome.status !== "patch") return result;
  const noteKey = `${quarantined(outcome.patch.key)}.finding`;
  const noted = await textOf(blobs, noteKey);
  const found = noted ?? (await findingIn(outcome, blobs, scanner));
  if (found === undefined) return result;
  if (noted === undefined) await blobs.put(noteKey, new TextEncoder().encode(found));
  const because = (await textOf(blobs, noteKey)) ?? found;
  for (const { key } of [outcome.patch, outcome.changes]) await move(blobs, key);
  const message = `${because} Patch and changes are in the quarantine, where the operator finds them below ${quarantined(outcome.patch.key)}.`;
  return { ...result, outcome: { status: "failed", failure: { kind: "quarantined", message }, retryable: false } };
}

/** What is wrong with it, in a sentence; undefined when nothing is. */
async function findingIn(
  { patch, changes }: Patched,
  blobs: BlobStore,
  scanner: ArtifactScanner | undefined,
): Promise<string | undefined> {
  if (scanner === undefined) return undefined;
  const whole = await judged(scanner, (await blobs.open(patch.key)).body, "the patch");
  if (whole !== undefined) return whole;
  // In a patch, contents that are not text are compressed: they are looked at as the files that they become.
  for (const change of decodeChanges(await blobs.get(changes.key))) {
    if (change.kind === "delete") continue;
    const found = await judged(scanner, once(change.content), change.path);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function judged(
  scanner: ArtifactScanner,
  body: AsyncIterable<Uint8Array>,
  fileName: string,
): Promise<string | undefined> {
  const verdict = await scanner.scan(body, { fileName });
  switch (verdict.kind) {
    case "clean":
      return undefined;
    case "infected":
      return `The malware scanner found ${verdict.finding} in ${fileName}.`;
    case "refused":
      return `The malware scanner does not look at ${fileName}: ${verdict.because}.`;
  }
}

/** Copies, then removes: a crash between the two leaves both, and the next go removes the first. */
async function move(blobs: BlobStore, key: string): Promise<void> {
  let found: Awaited<ReturnType<BlobStore["open"]>>;
  try {
    found = await blobs.open(key);
  } catch (error) {
    if (error instanceof BlobNotFound) return; // an earlier go has moved it
    throw error;
  }
  const { sizeBytes, body } = found;
  await blobs.putStream(quarantined(key), body, { maxBytes: sizeBytes, sizeBytes });
  await blobs.remove(key);
}

async function textOf(blobs: BlobStore, key: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await blobs.get(key));
  } catch (error) {
    if (error instanceof BlobNotFound) return undefined;
    throw error;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
