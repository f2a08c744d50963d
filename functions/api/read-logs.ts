import type { z } from "@hono/zod-openapi";
import type { logsBody } from "#shared/api/schemas.ts";
import { Rejected } from "#shared/errors.ts";
import type { Execution } from "#shared/execution/execution.ts";
import { followLog } from "#shared/execution/follow-log.ts";
import { resultKey } from "#shared/execution/plan-collect.ts";
import { parseTransformResult } from "#shared/execution/transform-result.ts";
import { BlobNotFound } from "#shared/ports/blob-store.ts";
import type { ApiCapabilities } from "./capabilities.ts";

type Logs = z.infer<typeof logsBody>;
type Needs = Pick<ApiCapabilities, "executions" | "liveLogs" | "blobs" | "campaigns">;

/**
 * What the steps printed; of an execution that has not ended, or was cancelled, what there is so far.
 * @throws Rejected when it has expired.
 */
export async function readLogs(capabilities: Needs, execution: Execution): Promise<Logs> {
  const { state } = execution;
  switch (state.status) {
    case "pending":
    case "running":
    case "cancelled":
      return readSoFar(capabilities, execution, state.status);
    case "expired":
      throw expired(execution);
    case "no-change":
    case "patch":
    case "failed":
      try {
        return { ...(await readFinished(capabilities, execution)), status: state.status };
      } catch (error) {
        if (error instanceof BlobNotFound) throw expired(execution, error);
        throw error;
      }
  }
}

/** What is kept of an execution is there no more. */
export function expired({ campaign, repository: { owner, name } }: Execution, cause?: BlobNotFound): Rejected {
  const message = `What the preview of ${owner}/${name} left has expired. Preview again: octobatch preview ${campaign}.`;
  return new Rejected("not-found", message, { cause });
}

async function readFinished({ blobs }: Needs, execution: Execution): Promise<Omit<Logs, "status">> {
  const { steps, outcome } = parseTransformResult(await blobs.get(resultKey(execution)));
  const shown: Logs["steps"] = [];
  for (const step of steps) {
    const { index, status, durationMs, logTruncated: truncated, logKey } = step;
    const log = logKey === undefined ? "" : Buffer.from(await blobs.get(logKey)).toString("utf8");
    shown.push({ index, status, durationMs, truncated, log, ...namedAndCoded(step) });
  }
  const failure = outcome.status === "failed" ? { failure: outcome.failure.message } : {};
  return { steps: shown, ...failure };
}

async function readSoFar(capabilities: Needs, execution: Execution, status: Logs["status"]): Promise<Logs> {
  const { spec } = await capabilities.campaigns.specVersion(execution.campaign, execution.specVersion);
  const steps = new Map<number, Logs["steps"][number]>();
  const printed = new Map<number, Uint8Array[]>();
  const lookOnce = { ...capabilities, pause: () => Promise.resolve(false) };
  for await (const { news } of followLog(lookOnce, { executionId: execution.id })) {
    if (news.event === "begin") {
      steps.clear();
      printed.clear();
    }
    if (news.event === "step-started") {
      const { step: index } = news;
      const named = namedAndCoded({ name: spec.steps[index]?.name });
      steps.set(index, { index, status: "running", durationMs: 0, truncated: false, log: "", ...named });
      printed.set(index, []);
    }
    if (news.event === "log") printed.get(news.step)?.push(news.bytes);
    if (news.event === "step-finished") {
      const step = steps.get(news.step);
      const { status, durationMs } = news;
      if (step !== undefined) steps.set(news.step, { ...step, status, durationMs, ...namedAndCoded(news) });
    }
  }
  const { state } = execution;
  return {
    steps: [...steps.values()].map((step) => ({
      ...step,
      log: Buffer.concat(printed.get(step.index) ?? []).toString("utf8"),
    })),
    ...("because" in state ? { failure: state.because } : {}),
    status,
  };
}

function namedAndCoded({
  name,
  exitCode,
}: {
  readonly name?: string | undefined;
  readonly exitCode?: number | undefined;
}) {
  return { ...(name === undefined ? {} : { name }), ...(exitCode === undefined ? {} : { exitCode }) };
}
