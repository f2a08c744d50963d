import { isQuotedPath } from "#shared/execution/changes.ts";
import type { FileStatistics } from "#shared/execution/transform-result.ts";
import type { FileChange } from "#shared/ports/code-host.ts";

/** How a commit gets to the code host. Both ways give the very same commit. */
export type CommitWay =
  /** By the code host's API: without a clone. */
  | { readonly kind: "api" }
  /** Made with git, and pushed. */
  | { readonly kind: "push"; readonly because: string };

const megabyte = 1024 * 1024;

/**
 * What is asked of the API at most. GitHub takes blobs of 40 MiB in requests that end after 10 s, answers 502 for very
 * large trees, and takes about 180 writes a minute, of which each file that is not text is one.
 * https://docs.github.com/en/rest/git/blobs
 */
export const apiLimits = {
  fileBytes: 20 * megabyte,
  bytes: 40 * megabyte,
  files: 3000,
  binaryFiles: 100,
} as const;

/** Decides by which way the changes become a commit: by the API where it can make the very tree that is wanted. */
export function planCommit(
  changes: readonly FileChange[],
  files: readonly FileStatistics[],
  limits: Readonly<Record<keyof typeof apiLimits, number>> = apiLimits,
): CommitWay {
  const because =
    objectionToNames(changes) ??
    objectionToSubmodules(files) ??
    objectionToSizes(changes, limits) ??
    objectionToCounts(files, limits);
  return because === undefined ? { kind: "api" } : { kind: "push", because };
}

/** The API takes paths as JSON text. */
function objectionToNames(changes: readonly FileChange[]): string | undefined {
  const odd = changes.find(({ path }) => isQuotedPath(path));
  return odd && `the API takes no file that is named ${odd.path}`;
}

function objectionToSubmodules(files: readonly FileStatistics[]): string | undefined {
  const submodule = files.find(({ mode, oldMode }) => mode === "160000" || oldMode === "160000");
  return submodule && `it changes the submodule ${submodule.path}`;
}

function objectionToSizes(
  changes: readonly FileChange[],
  limits: { readonly fileBytes: number; readonly bytes: number },
): string | undefined {
  let bytes = 0;
  for (const change of changes) {
    if (change.kind === "delete") continue;
    const { byteLength } = change.content;
    if (byteLength > limits.fileBytes) return `${change.path} is larger than ${inMegabytes(limits.fileBytes)}`;
    bytes += byteLength;
  }
  return bytes > limits.bytes ? `its files are larger than ${inMegabytes(limits.bytes)} together` : undefined;
}

function objectionToCounts(
  files: readonly FileStatistics[],
  limits: { readonly files: number; readonly binaryFiles: number },
): string | undefined {
  if (files.length > limits.files) return `it changes more than ${limits.files} files`;
  const binary = files.filter((file) => file.binary && file.change !== "deleted").length;
  return binary > limits.binaryFiles ? `it changes more than ${limits.binaryFiles} binary files` : undefined;
}

function inMegabytes(bytes: number): string {
  return `${bytes / megabyte} MiB`;
}
