import { readFile, writeFile } from "node:fs/promises";
import type { BaseTrees } from "#shared/transform/run-transform.ts";
import { TransformFailed } from "#shared/transform/transform-failed.ts";
import { fetchBase } from "../../git/fetch-base.ts";
import { createTrustedRepository } from "../../git/trusted-repository.ts";
import { judged, treeToShow } from "../../git/workspace.ts";
import { runCommand } from "../../process/run-command.ts";
import { inPrivate, subPaths } from "../pod-layout.ts";
import { makePipes } from "./make-pipes.ts";
import { readPodTask, readToken } from "./pod-task.ts";

/** What `checkout` came to, for `conduct`. */
type CheckoutNote =
  | ({ readonly kind: "fetched"; readonly fetchMs: number } & BaseTrees)
  | { readonly kind: "failed"; readonly message: string; readonly retryable: boolean };

const notePath = inPrivate("checkout.json");
const fetchTimeoutMs = 600_000;

/**
 * What the first container of a pod does: makes what the others talk through, and fetches the base commit. A commit that
 * cannot be fetched is a verdict for `conduct` to hand in, not a failure of the pod.
 */
export async function checkOut(): Promise<void> {
  const { job, artifactsUrl } = await readPodTask();
  await makePipes(job);
  const before = performance.now();
  const gitDirectory = inPrivate(subPaths.gitDirectory);
  const { source, workspace, executionId, attempt } = job;
  const url = `${artifactsUrl.replace(/\/+$/, "")}/jobs/${executionId}/${attempt}/source.git`;
  let note: CheckoutNote;
  try {
    const token = await readToken("source");
    note = await judged(async () => {
      createTrustedRepository(gitDirectory);
      const baseTree = await fetchBase({
        gitDirectory,
        access: { url, token, isOurs: true },
        commit: source.commit,
        timeoutMs: fetchTimeoutMs,
        run: runCommand,
      });
      const shownTree = await treeToShow({ gitDirectory, baseTree, source, workspace, run: runCommand });
      return { kind: "fetched", baseTree, shownTree, fetchMs: performance.now() - before };
    });
  } catch (error) {
    if (!(error instanceof TransformFailed)) throw error;
    note = { kind: "failed", message: error.message, retryable: error.retryable };
  }
  await writeFile(notePath, JSON.stringify(note));
}

/** What was fetched. @throws TransformFailed with the verdict when it could not be. */
export async function readCheckout(): Promise<BaseTrees & { readonly fetchMs: number }> {
  // Only `checkOut` writes it, a moment before.
  const note = JSON.parse(await readFile(notePath, "utf8")) as CheckoutNote;
  if (note.kind === "failed") throw new TransformFailed("checkout", note.message, { retryable: note.retryable });
  return note;
}
