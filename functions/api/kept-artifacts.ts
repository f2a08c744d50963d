import type { z } from "@hono/zod-openapi";
import type { artifactKind } from "#shared/api/artifacts.ts";
import { Rejected } from "#shared/errors.ts";
import type { Execution } from "#shared/execution/execution.ts";
import { resultKey } from "#shared/execution/plan-collect.ts";
import { parseTransformResult } from "#shared/execution/transform-result.ts";
import { BlobNotFound } from "#shared/ports/blob-store.ts";
import type { ApiCapabilities } from "./capabilities.ts";
import { expired } from "./read-logs.ts";

/** What people can download of an execution. */
export interface Kept {
  readonly kind: z.infer<typeof artifactKind>;
  /** Of a log: the step's index. */
  readonly step?: number;
  readonly key: string;
  /** What it is saved as: letters, digits, `.` and `-`, whatever the repository is called. */
  readonly fileName: string;
  readonly contentType: string;
}

const json = "application/json";

/** What an execution left. @throws Rejected when it left nothing yet, or never will, or when it has expired. */
export async function keptOf(
  { blobs }: Pick<ApiCapabilities, "blobs">,
  execution: Execution,
): Promise<readonly Kept[]> {
  const { state } = execution;
  if (state.status === "pending" || state.status === "running") {
    throw new Rejected("conflict", `It has no result yet: it is ${state.status}.`);
  }
  if (state.status === "cancelled") throw new Rejected("not-found", `It left nothing: ${state.because}.`);
  if (state.status === "expired") throw expired(execution);
  const key = resultKey(execution);
  const { steps } = parseTransformResult(await read(blobs, execution, key));
  const kept: Kept[] = [{ kind: "result", key, fileName: "result.json", contentType: json }];
  // The result may name a patch that was found to be harmful: the execution has failed then.
  if (state.status === "patch") {
    kept.push({ kind: "patch", key: state.patchKey, fileName: "patch.diff", contentType: "text/x-diff" });
    kept.push({ kind: "changes", key: state.changesKey, fileName: "changes.json", contentType: json });
  }
  for (const { index, logKey } of steps) {
    if (logKey === undefined) continue;
    const fileName = `step-${index + 1}.log`;
    kept.push({ kind: "log", step: index, key: logKey, fileName, contentType: "text/plain; charset=utf-8" });
  }
  return kept;
}

async function read(blobs: ApiCapabilities["blobs"], execution: Execution, key: string): Promise<Uint8Array> {
  try {
    return await blobs.get(key);
  } catch (error) {
    if (error instanceof BlobNotFound) throw expired(execution, error);
    throw error;
  }
}
