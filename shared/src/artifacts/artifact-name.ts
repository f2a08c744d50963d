import type { SandboxLimits } from "#shared/ports/sandbox.ts";

/** What a Job may hand in. */
export type ArtifactKind = "result" | "patch" | "changes" | "log";

/** Below the execution's `artifactPrefix`. Each go at an attempt has a place of its own, named by 12 random hex digits. */
const names: Readonly<Record<ArtifactKind, RegExp>> = {
  result: /^result\.json$/,
  patch: /^attempts\/[0-9a-f]{12}\/patch\.diff$/,
  changes: /^attempts\/[0-9a-f]{12}\/changes\.json$/,
  log: /^attempts\/[0-9a-f]{12}\/steps\/(?:0|[1-9]\d{0,2})\.log$/,
};

/** What an artifact of this name is; undefined for a name that no Job may use. */
export function artifactKindOf(name: string): ArtifactKind | undefined {
  if (names.result.test(name)) return "result";
  if (names.patch.test(name)) return "patch";
  if (names.changes.test(name)) return "changes";
  if (names.log.test(name)) return "log";
  return undefined;
}

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** A log that was cut says so in a line beyond its limit. */
const logNoteBytes = kibibyte;

/** Whoever publishes reads it as one JSON text, and V8 has none longer than 512 MiB. */
const mostChangesBytes = 256 * mebibyte;

/** It is parsed before it is stored: names of files and outputs of steps, no contents. */
const resultBytes = 32 * mebibyte;

/** The most that an artifact of each kind may have, in bytes. */
export function artifactLimits(
  limits: Pick<SandboxLimits, "patchBytes" | "logBytes" | "diskBytes">,
): Readonly<Record<ArtifactKind, number>> {
  return {
    result: resultBytes,
    patch: limits.patchBytes,
    // Whole files, in base64 where they are not text, and in the quotes and escapes of JSON.
    changes: Math.min(2 * limits.diskBytes, mostChangesBytes),
    log: limits.logBytes + logNoteBytes,
  };
}

/** The most that one entry of the step cache may have. */
export const cacheEntryBytes = mostChangesBytes;

/** Where an entry of the step cache is kept; undefined for what is no key: 64 hex digits. */
export function cacheBlobKey(key: string): string | undefined {
  return /^[0-9a-f]{64}$/.test(key) ? `cache/${key.slice(0, 2)}/${key}` : undefined;
}
